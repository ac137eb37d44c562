/** A value that is JSON text already: what is written to many places is encoded once. */
export class Encoded {
  readonly json: string

  constructor(json: string) {
    this.json = json
  }
}

/** Stands for any type wherever a door writes it out. */
export const encoded = (json: string): never => new Encoded(json) as never

/** JSON of a value that may be encoded already. */
export const toJson = (value: unknown): string =>
  value instanceof Encoded ? value.json : JSON.stringify(value)
