/** Page cursors: what the next page starts after, signed and bound to the list and the caller. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { AppError } from './errors.ts'

export type PagePosition = Array<string | number>

export class PageCursors {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  seal(list: string, userId: string, position: PagePosition): string {
    const body = Buffer.from(JSON.stringify(position)).toString('base64url')
    return `${body}.${this.#sign(list, userId, body)}`
  }

  /** Throws INVALID_INPUT for a cursor that this server did not give to this user for this list. */
  open(list: string, userId: string, cursor: string): PagePosition {
    const [body = '', signature = '', ...more] = cursor.split('.')
    const expected = this.#sign(list, userId, body)
    const given = Buffer.from(signature)
    if (more.length > 0 || given.length !== expected.length || !timingSafeEqual(given, Buffer.from(expected)))
      throw new AppError('INVALID_INPUT', 'cursor: this is not a cursor of this list.', {
        details: [{ path: 'cursor', message: 'is not a cursor of this list' }],
      })
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as PagePosition
  }

  #sign(list: string, userId: string, body: string): string {
    return createHmac('sha256', this.#secret)
      .update(`${list}\n${userId}\n${body}`)
      .digest('base64url')
      .slice(0, 16)
  }
}
