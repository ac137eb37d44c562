// Writes .env.example from the server's own schema; with --check it only says whether the file is in step.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { environmentReference } from '../src/config.ts'

const path = join(import.meta.dirname, '../.env.example')

const head = `# Copy to .env and change what you need; npm start, npm run serve and npm run demo read it.
# npm start brings its own stores and secrets, so nothing here is needed for it.
# Written by: npx tsx scripts/env-example.ts
`
const entries = environmentReference().map(({ name, default: value, required, description }) => {
  const note = required ? `${description} (required)` : description
  return `\n# ${note}\n# ${name}=${value ?? ''}\n`
})
const text = head + entries.join('')

if (process.argv.includes('--check')) {
  const stored = await readFile(path, 'utf8').catch(() => '')
  if (stored !== text) {
    console.error('.env.example is out of step with src/config.ts. Run: npx tsx scripts/env-example.ts')
    process.exit(1)
  }
} else {
  await writeFile(path, text)
  console.log(`.env.example: ${entries.length} variables`)
}
