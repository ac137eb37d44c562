/** The form in which a collection's indexes are declared. */
import type { CreateIndexesOptions, IndexSpecification } from 'mongodb'

export interface IndexDeclaration {
  name: string
  key: Extract<IndexSpecification, Record<string, unknown>>
  options?: Pick<CreateIndexesOptions, 'unique' | 'sparse' | 'partialFilterExpression' | 'expireAfterSeconds'>
  /** The query patterns that this index serves, in words of the code. */
  serves: string
}

export interface CollectionIndexes {
  collection: string
  indexes: IndexDeclaration[]
}
