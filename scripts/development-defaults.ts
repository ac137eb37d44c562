// Loaded before the server in development: fills in the secrets that nobody has set, from one file of the
// folder, so that every node started here accepts the tokens and ids of the others. Production has no default.
import { join } from 'node:path'
import { loadDevelopmentSecrets } from './secrets.ts'

if (process.env.NODE_ENV !== 'production') {
  const secrets = await loadDevelopmentSecrets(join(import.meta.dirname, '../.data'))
  for (const [name, value] of Object.entries(secrets)) process.env[name] ||= value
}
