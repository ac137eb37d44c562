// Loaded before `npm run serve`. A node that is pointed at the stores of the server that `npm start` runs in this
// folder joins it: it takes the same secrets, so that tokens and ids of one are good at the other. Anywhere else
// nothing is filled in, and what is missing is named by the server.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadDevelopmentSecrets, parseLines } from './secrets.ts'

const dataDir = join(import.meta.dirname, '../.data')
const stores = parseLines(await readFile(join(dataDir, 'stores.env'), 'utf8').catch(() => ''))
const joins = stores.DATABASE_URL !== undefined && stores.DATABASE_URL === process.env.DATABASE_URL

if (joins) process.env.NODE_ENV ||= 'development'
if (process.env.NODE_ENV === 'development') {
  const secrets = await loadDevelopmentSecrets(dataDir)
  for (const [name, value] of Object.entries(secrets)) process.env[name] ||= value
}
