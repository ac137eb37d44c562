/**
 * Blocks own who wants nothing of whom. Promises: on the node of the block at once, on every other within 5 s and with or
 * without Redis, what the blocked one writes to the direct chat takes a place that is void for the blocker, for ever;
 * neither sees the other's presence or typing; the blocked one is not told. Groups are not affected, but for adding.
 */
export { Blocks } from './blocks.ts'
