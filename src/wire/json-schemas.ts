/** JSON Schemas from zod, with the named ones hoisted into a document's components. */
import { z } from 'zod'

type JsonSchema = Record<string, unknown>

/** A condition between fields, which zod checks in a refinement, as JSON Schema says it. */
export const conditional = (given: JsonSchema, rule: JsonSchema, otherwise: JsonSchema | true = true) => ({
  if: given,
  // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own word; nobody awaits a schema.
  then: rule,
  else: otherwise,
})

export class JsonSchemas {
  readonly components: Record<string, JsonSchema> = {}
  readonly #refPrefix: string

  constructor(refPrefix: string) {
    this.#refPrefix = refPrefix
  }

  of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    // Within an object, a named schema becomes a reference like any other.
    const made = z.toJSONSchema(z.object({ schema }), {
      io,
      unrepresentable: 'any',
      target: 'draft-2020-12',
    })
    const definitions = (made.$defs ?? {}) as Record<string, JsonSchema>
    for (const [name, definition] of Object.entries(definitions))
      this.components[name] = this.#relink(definition) as JsonSchema
    return this.#relink(made.properties?.['schema']) as JsonSchema
  }

  #relink(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#relink(item))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value)
      // The name of a hoisted schema is its key, not an `id` inside.
      .filter(([key, item]) => !(key === 'id' && typeof item === 'string'))
      .map(([key, item]) => [
        key,
        key === '$ref' && typeof item === 'string'
          ? item.replace('#/$defs/', this.#refPrefix)
          : this.#relink(item),
      ])
    return Object.fromEntries(entries) as JsonSchema
  }
}
