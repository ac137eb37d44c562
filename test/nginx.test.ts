// The example of docs/nginx.conf, in a real nginx before two nodes. Without nginx on the machine there is nothing to run.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Message } from '../src/client/model.ts'
import { Child } from './support/child.ts'
import { expectConverged } from './support/convergence.ts'
import { freePort } from './support/free-port.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

vi.setConfig({ testTimeout: 90_000 })

const PATH = `${process.env['PATH']}:/usr/sbin:/usr/local/sbin`
const hasNginx = spawnSync('nginx', ['-v'], { env: { PATH } }).status === 0

const remaining = (header: string | null): number => Number(/r=(\d+)/.exec(header ?? '')?.[1])

async function limitOf(url: string, forwarded: string): Promise<string | null> {
  const headers = { 'x-forwarded-for': forwarded }
  return (await fetch(`${url}/api/users/me`, { headers })).headers.get('ratelimit')
}

describe.skipIf(!hasNginx)('two nodes behind nginx', () => {
  let world: World
  let folder: string
  let proxy: Child
  let url: string
  let alice: Phone
  let bob: Phone

  beforeAll(async () => {
    const env = { TRUSTED_PROXIES: '127.0.0.1', RATE_LIMITS: 'on' }
    world = await startWorld({ nodes: 2, env })
    folder = await mkdtemp(join(tmpdir(), 'parley-nginx-'))
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const example = await readFile(join(import.meta.dirname, '../docs/nginx.conf'), 'utf8')
    const config = place(example, [
      ['listen 8080;', `listen 127.0.0.1:${port};`],
      ['server parley-1:3000', `server 127.0.0.1:${world.node(0).port}`],
      ['server parley-2:3000', `server 127.0.0.1:${world.node(1).port}`],
      ['access_log off;', `access_log off; ${temporaryPaths(folder)}`],
      ['worker_processes auto;', `worker_processes 2; pid ${folder}/pid;`],
    ])
    await writeFile(join(folder, 'nginx.conf'), config)
    const args = ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off;']
    proxy = new Child('nginx', args, { PATH }, folder)
    await until('the proxy answers', async () => (await fetch(`${url}/healthz`)).ok)
    // Codes are shown to loopback only, and whoever comes through the proxy is somebody else.
    ;[alice, bob] = await Promise.all([world.phone('alice'), world.phone('bob', { node: 1 })])
    for (const phone of [alice, bob]) {
      await phone.offline()
      await phone.online(url)
    }
  })
  afterAll(async () => {
    // The master takes its workers with it.
    proxy?.signal('SIGTERM')
    await proxy?.exited
    await world?.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('sockets and requests pass, and both nodes have a part in it', async () => {
    const chat = await alice.directWith(bob)
    await alice.send(chat.id, 'over the socket')
    await bob.waitForText('over the socket')
    await bob.post(chat.id, 'over REST')
    await alice.waitForText('over REST')
    const sockets = await Promise.all(
      [0, 1].map(async (index) => {
        const text = await (await fetch(`${world.node(index).url}/metrics`)).text()
        return Number(/^parley_sockets_open (\d+)$/m.exec(text)?.[1])
      }),
    )
    expect(sockets).toEqual([1, 1])
  })

  test('limits count the address of the caller, and not one that he made up before the proxy', async () => {
    const { url: direct } = world.node(0)
    const before = remaining(await limitOf(direct, '198.51.100.7'))
    expect(before).toBeGreaterThan(0)
    for (let i = 0; i < 5; i += 1)
      await fetch(`${url}/api/users/me`, { headers: { 'x-forwarded-for': '198.51.100.7' } })
    // Through the proxy the nearest address that is not trusted is believed: that is the one it was given.
    expect(remaining(await limitOf(direct, '198.51.100.7'))).toBe(before - 6)
    expect(remaining(await limitOf(direct, '203.0.113.9'))).toBe(before)
  })

  test.each(['/metrics', '/dev/outbox'])('%s is not for those outside', async (path) => {
    const answer = await fetch(`${url}${path}`)
    expect([answer.status, answer.headers.get('server')]).toEqual([404, expect.stringContaining('nginx')])
  })

  test('a node that is killed is passed over: everybody goes on, nothing is lost', async () => {
    const chat = await alice.groupWith([bob])
    const sends: Promise<Message>[] = []
    // Within the limit of messages a minute.
    for (let i = 0; i < 40; i += 1) sends.push(alice.send(chat.id, `a${i}`), bob.send(chat.id, `b${i}`))
    await Promise.race(sends)
    await world.node(0).kill9()
    const accepted = await Promise.all(sends)
    // Requests too, from the first one on: a connection that is refused has cost nothing.
    for (let i = 0; i < 10; i += 1) expect((await alice.chat(chat.id)).id).toBe(chat.id)
    for (const phone of [alice, bob])
      await until(`${phone.name} has them all`, () =>
        accepted.every(({ id }) => phone.store.messages(chat.id).some((message) => message.id === id)),
      )
    await expectConverged(alice, bob)
    await world.node(0).start()
  })
})

/** Each of these stands in the example once. */
function place(text: string, pairs: [from: string, to: string][]): string {
  return pairs.reduce((result, [from, to]) => {
    expect(result.split(from)).toHaveLength(2)
    return result.replace(from, to)
  }, text)
}

/** What a container has of its own, below the folder of this test. */
function temporaryPaths(folder: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')
}
