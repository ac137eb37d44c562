import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readHouse, type House } from '../scripts/docs/house.ts'
import { findLies, NOT_YET } from '../scripts/docs/lies.ts'
import { LIMITS } from '../src/lib/limits.ts'

const ROOT = resolve(import.meta.dirname, '..')

let house: House
beforeAll(async () => {
  house = await readHouse(ROOT)
})

const sentences = (text: string, file = 'README.md') => findLies(file, text, house).map(({ what }) => what)
const fence = (text: string) => `\`\`\`sh\n${text}\n\`\`\``

describe('the check of the documents', () => {
  test('reads a house worth the name', () => {
    expect(house.paths.size).toBeGreaterThan(250)
    expect(house.routes.length).toBeGreaterThan(30)
    expect(house.variables.size).toBeGreaterThan(20)
    expect(house.events.size).toBeGreaterThan(20)
    expect(house.metrics.size).toBeGreaterThan(5)
  })

  const lies: Array<[what: string, text: string, expected: string]> = [
    ['a file that is gone', 'in `src/main.mts`', 'there is no file or folder src/main.mts'],
    ['a folder of a wrong name', 'in `source/lib`', 'there is no file or folder source/lib'],
    ['a bare file name', 'in `rules.ts`', 'there is no file or folder rules.ts'],
    [
      'a pattern without a match',
      '`src/features/*/inbox.ts`',
      'there is no file or folder src/features/*/inbox.ts',
    ],
    ['a path in a command', fence('node scripts/strat.ts'), 'there is no file or folder scripts/strat.ts'],
    ['a runtime file no script writes', '`.data/keys.env`', 'there is no file or folder .data/keys.env'],
    ['a link to nowhere', '[limits](docs/limit.md)', 'there is no file or folder docs/limit.md'],
    ['a link to no heading', '# One\n[two](#two)', 'there is no heading #two'],
    ['an npm script', '`npm run strat`', 'there is no npm script "strat"'],
    ['an npm script in a command', fence('npm run servve -- --x'), 'there is no npm script "servve"'],
    ['a variable', 'set `REDIS_URI`', 'nothing reads the environment variable REDIS_URI'],
    ['a variable of one word', fence('PROT=3001 npm start'), 'nothing reads the environment variable PROT'],
    ['a path of the API', '`GET /api/chat`', 'the API has no GET /api/chat'],
    [
      'a path with a variable part',
      '`/api/chats/{chatId}/message`',
      'the API has no /api/chats/{chatId}/message',
    ],
    ['a method', '`DELETE /api/sync`', 'the API has no DELETE /api/sync'],
    ['a path in a command', fence('curl -s $url/api/auth/registre'), 'the API has no /api/auth/registre'],
    ['a path after a port', fence('curl http://127.0.0.1:3000/api/me'), 'the API has no /api/me'],
    ['a path without code', 'ask /api/me for it', 'the API has no /api/me'],
    ['a probe', '`/livez`', 'the API has no /livez'],
    ['a page', '`/docs/faq`', 'the API has no /docs/faq'],
    ['a branch', '`/dev/inbox/`', 'the API has no /dev/inbox/'],
    ['an event', '`message:sent`', 'the socket knows no event message:sent'],
    ['a metric', '`parley_messages_total`', 'there is no metric parley_messages_total'],
    ['something called missing', `# ${NOT_YET}\n\`/api/chats\``, '/api/chats is there by now'],
    ['a script called missing', `# ${NOT_YET}\n\`npm run bench\``, 'npm run bench is there by now'],
  ]
  test.each(lies)('finds %s: %s', (_what, text, expected) => {
    expect(sentences(text)).toEqual([expected])
  })

  test('says the line', () => {
    expect(findLies('README.md', 'one\n\n`npm run none`', house)).toEqual([
      { file: 'README.md', line: 3, what: 'there is no npm script "none"' },
    ])
  })

  test('reads links from the folder of the document', () => {
    expect(sentences('[readme](../README.md) [limits](limits.md)', 'docs/operations.md')).toEqual([])
    expect(sentences('[readme](README.md)', 'docs/operations.md')).toEqual([
      'there is no file or folder docs/README.md',
    ])
  })

  test.each([
    ['`src/main.ts`, `src/features/<name>/index.ts`, `test/support`, `redis-keys.ts`'],
    ['`application/json` and `.data/stores.env`, and `.data/test-<pid>`'],
    ['`npm start`, `npm test`, `npm run serve`, and `npm ci`'],
    ["`RATE_LIMITS=off` gets no `RATE_LIMIT_EXCEEDED`; `BASE_URL` is the demo's"],
    ['`PATCH /api/users/me`, `/api/chats/$chat/messages`, `/readyz`, `/ws`, all below /api and `/dev/`'],
    ['`message:send` and `parley_sockets_open`'],
    [`# ${NOT_YET}\n\`/api/flying-carpets\` and \`npm run away\``],
    [fence('{"path":"a/b","at":"/somewhere/else"}')],
  ])('leaves the truth alone: %s', (text) => {
    expect(sentences(text)).toEqual([])
  })
})

const run = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'scripts/check-docs.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  })

function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const name of ['README.md', 'docs']) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  return folder
}

function plant(folder: string, file: string, from: string, to: string): void {
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  expect(text).toContain(from)
  writeFileSync(path, text.replace(from, to))
}

describe('the command', () => {
  test('holds for the documents as they are', () => {
    const { status, stderr } = run()
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  test('fails where a number, a default or a path is another one, and writes what it can', () => {
    const folder = copy()
    const limit = `| ${LIMITS.messageCharacters.toLocaleString('en-US')} |`
    plant(folder, 'docs/limits.md', limit, '| 17 |')
    plant(folder, 'README.md', '`PORT` | TCP port', '`PORT` | UDP port')
    plant(folder, 'docs/operations.md', '`GET /healthz`', '`GET /aliv` and `/api/aliv`')
    const before = run('--from', folder)
    expect(before.status).toBe(1)
    expect(before.stderr).toContain('docs/limits.md: not what the code says')
    expect(before.stderr).toContain('README.md: not what the code says')
    expect(before.stderr).toMatch(/^docs\/operations\.md:\d+: the API has no \/api\/aliv$/m)
    const after = run('--from', folder, '--write')
    expect(after.status).toBe(1)
    expect(after.stderr.trim().split('\n')).toEqual([expect.stringContaining('/api/aliv')])
    expect(readFileSync(join(folder, 'docs/limits.md'), 'utf8')).toContain(limit)
  })

  test('explains itself, and refuses what it does not know', () => {
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Exit codes') })
    expect(run('--fix').status).toBe(2)
  })
})
