/** What the server pushes, as AsyncAPI describes it. */
import type { z } from 'zod'

export interface EventSpec {
  event: string
  summary: string
  /** Durable events carry a cursor and reach every device of the user in the order of the cursors. */
  durable: boolean
  data: z.ZodType
  example: unknown
}
