/**
 * Sync owns catching up: durable events since a cursor, and what an acknowledged cursor makes delivered. Promises:
 * all that was missed, in order, or `reset`; never a silent gap.
 */
export { deliveredFromStream } from './sync.ts'
