// Every kind of fault by name.
import { clientFaults } from './clients.ts'
import { clockFaults } from './clock.ts'
import type { Fault } from './fault.ts'
import { linkFaults } from './links.ts'
import { mongoFaults } from './mongo.ts'
import { nodeFaults } from './nodes.ts'
import { postgresFaults } from './postgres.ts'
import { redisFaults } from './redis.ts'

/** All but `mongo-no-majority`, which comes with its witnesses. */
export const FAULTS: Fault[] = [
  ...nodeFaults,
  ...linkFaults,
  ...clientFaults,
  ...redisFaults,
  ...mongoFaults,
  ...postgresFaults,
  ...clockFaults,
]
