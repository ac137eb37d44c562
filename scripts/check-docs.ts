// Holds README.md and docs/ against the code: what they name has to exist, and what is written from the code has to be in step.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readHouse } from './docs/house.ts'
import { findLies } from './docs/lies.ts'
import { limitsPage, variablesTable } from './docs/limits-page.ts'

const HELP = `npx tsx scripts/check-docs.ts [--write] [--from <folder>]

Reads README.md and docs/*.md and names every path, npm script, environment variable, API path, socket event,
metric and link in them that does not exist; and says whether docs/limits.md and the README's table of variables
are what the code says.

  --write          write docs/limits.md and the table of variables anew, then check the rest
  --from <folder>  where README.md and docs/ are; by default the root
  --help           this text

Exit codes: 0 all holds, 1 something does not, 2 wrong use.
`

const root = join(import.meta.dirname, '..')
const TABLE = /(<!-- variables -->\n)[\s\S]*?(<!-- \/variables -->)/

/** Each generated page: its path, and its text as the code has it, given its present text. */
const GENERATED: Array<[file: string, write: (present: string) => Promise<string> | string]> = [
  [
    'docs/limits.md',
    async () => limitsPage(await readFile(join(root, 'src/features/accounts/store/attempts.ts'), 'utf8')),
  ],
  ['README.md', withVariables],
]

function withVariables(present: string): string {
  if (!TABLE.test(present)) throw new Error('README.md: the marks around the table of variables are gone')
  return present.replace(TABLE, (_, head: string, tail: string) => `${head}${variablesTable()}\n${tail}`)
}

async function main(from: string, isWriting: boolean): Promise<number> {
  const sentences: string[] = []
  for (const [file, write] of GENERATED) {
    const present = await readFile(join(from, file), 'utf8').catch(() => '')
    const text = await write(present)
    if (text === present) continue
    if (isWriting) await writeFile(join(from, file), text)
    else sentences.push(`${file}: not what the code says; run: npx tsx scripts/check-docs.ts --write`)
  }
  const house = await readHouse(root)
  const pages = (await readdir(join(from, 'docs'))).filter((name) => name.endsWith('.md'))
  for (const file of ['README.md', ...pages.map((name) => `docs/${name}`)]) {
    const lies = findLies(file, await readFile(join(from, file), 'utf8'), house)
    sentences.push(...lies.map(({ line, what }) => `${file}:${line}: ${what}`))
  }
  for (const sentence of sentences) console.error(sentence)
  console.log(sentences.length === 0 ? 'README.md and docs/ hold' : `${sentences.length} do not hold`)
  return sentences.length === 0 ? 0 : 1
}

function readOptions(): { write: boolean; from: string; help: boolean } {
  const flag = { type: 'boolean', default: false } as const
  try {
    const from = { type: 'string', default: root } as const
    return parseArgs({ options: { write: flag, from, help: flag } }).values
  } catch (err) {
    console.error(`${(err as Error).message}\n\n${HELP}`)
    return process.exit(2)
  }
}

const options = readOptions()
if (options.help) console.log(HELP)
else {
  process.exitCode = await main(options.from, options.write).catch((err: unknown) => {
    console.error(err instanceof Error ? err.message : err)
    return 1
  })
}
