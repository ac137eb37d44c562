// Both Mongo secondaries frozen: nothing may be acknowledged, everything is refused in time and may be sent again, and
// after the thaw each message is there once.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { ApiError } from '../../../src/client/api-error.ts'
import { Link } from '../../../src/client/link.ts'
import type { Chat, Message } from '../../../src/client/model.ts'
import { ParleyClient } from '../../../src/client/rest.ts'
import { signUp } from '../../../src/client/sign-up.ts'
import type { Verdict } from '../checker/check.ts'
import type { World } from '../world/world.ts'
import { type Fault, MONGO_HEAL_SECONDS } from './fault.ts'

const SENDS_PER_NODE = 5
const SEND_EVERY_MS = 250
const REFUSED_WITHIN_MS = 5_000
const RETRY_FOR_MS = 30_000

type Attempt = { who: string; clientMessageId: string; answer: string | null }

/** One witness a node, who sends through that node while there is no majority. */
export class MajorityWitnesses {
  readonly #counterexamples: string[] = []
  readonly #world: World
  readonly #clients: ParleyClient[]
  readonly #userIds: string[]
  #checked = 0

  private constructor(world: World, clients: ParleyClient[], userIds: string[]) {
    this.#world = world
    this.#clients = clients
    this.#userIds = userIds
  }

  static async create(world: World): Promise<MajorityWitnesses> {
    const clients: ParleyClient[] = []
    const userIds: string[] = []
    for (const door of world.doors) {
      const client = new ParleyClient({ baseUrl: `http://127.0.0.1:${door.port}` })
      const device = { name: 'torture', platform: 'other' } as const
      const signedIn = await retried(() => signUp(client, 'Witness', device))
      if (signedIn === null) throw new Error('a witness could not register')
      clients.push(client)
      userIds.push(signedIn.user.id)
    }
    return new MajorityWitnesses(world, clients, userIds)
  }

  /** What has been seen; null where no majority was ever lost. */
  get verdict(): Verdict | null {
    if (this.#checked === 0) return null
    return {
      invariant: 13,
      title: 'no majority: no send acknowledged, each refused in time, each there once after the thaw',
      ok: this.#counterexamples.length === 0,
      checked: this.#checked,
      counterexamples: this.#counterexamples,
    }
  }

  get fault(): Fault {
    return {
      name: 'mongo-no-majority',
      title: 'SIGSTOP of both Mongo secondaries',
      concerns: 'mongo',
      healSeconds: MONGO_HEAL_SECONDS,
      lastsMs: [8_000, 12_000],
      mongoMin: 3,
      begin: async () => {
        const chatId = await this.#makeChat()
        const links = await Promise.all(this.#clients.map((client) => openLink(client)))
        const secondaries = await this.#world.stores.mongo.secondaries()
        for (const secondary of secondaries) secondary.freeze()
        const freeze = { isOver: false }
        const sending = Promise.all(links.map((link, i) => this.#send(link, i, chatId, freeze)))
        return {
          mend: async () => {
            freeze.isOver = true
            for (const secondary of secondaries) secondary.thaw()
          },
          after: async () => {
            const attempts = (await sending).flat()
            for (const link of links) link.terminate()
            await this.#verify(chatId, attempts)
          },
        }
      },
    }
  }

  async #makeChat(): Promise<string> {
    const [owner] = this.#clients
    if (owner === undefined) throw new Error('there is no witness')
    const body = { type: 'group', name: 'no majority', participantIds: this.#userIds.slice(1) }
    return (await owner.post<Chat>('/api/chats', body)).id
  }

  async #send(link: Link, i: number, chatId: string, freeze: { isOver: boolean }): Promise<Attempt[]> {
    const sends: Promise<Attempt>[] = []
    for (let n = 0; n < SENDS_PER_NODE && !freeze.isOver; n += 1) {
      sends.push(this.#sendOne(link, `send ${n + 1} at node ${i + 1}`, chatId, freeze))
      await pause(SEND_EVERY_MS)
    }
    return Promise.all(sends)
  }

  async #sendOne(link: Link, who: string, chatId: string, freeze: { isOver: boolean }): Promise<Attempt> {
    const clientMessageId = randomUUID()
    const at = performance.now()
    this.#checked += 1
    const body = { chatId, clientMessageId, content: 'without a majority' }
    const answer = await link.request<Message>('message:send', body).then(
      () => 'ack' as const,
      (err: unknown) =>
        err instanceof ApiError ? err : new ApiError(0, { ...NO_ANSWER, message: String(err) }),
    )
    const tookMs = Math.round(performance.now() - at)
    if (answer === 'ack') {
      if (!freeze.isOver) this.#complain(`${who} was acknowledged after ${tookMs} ms, without a majority`)
    } else if (answer.code !== 'SERVICE_UNAVAILABLE' || !answer.retryable) {
      this.#complain(`${who} was answered ${answer.code} (retryable: ${answer.retryable}) after ${tookMs} ms`)
    } else if (tookMs > REFUSED_WITHIN_MS) this.#complain(`${who} was refused only after ${tookMs} ms`)
    return { who, clientMessageId, answer: answer === 'ack' ? 'ack' : answer.code }
  }

  async #verify(chatId: string, attempts: Attempt[]): Promise<void> {
    const [reader] = this.#clients
    for (const attempt of attempts) {
      const sender = this.#clients[Number(/node (\d+)/.exec(attempt.who)?.[1]) - 1] ?? reader
      const isStored = await retried(() =>
        sender?.post(`/api/chats/${chatId}/messages`, {
          clientMessageId: attempt.clientMessageId,
          content: 'without a majority',
        }),
      )
      if (!isStored) this.#complain(`${attempt.who} could not be repeated after the thaw`)
    }
    const path = `/api/chats/${chatId}/messages`
    const found = await retried(() => reader?.get<Message[]>(path, { after: 0, limit: 50 }))
    for (const { who, clientMessageId } of attempts) {
      const copies = found?.filter((message) => message.clientMessageId === clientMessageId).length ?? 0
      if (copies !== 1) this.#complain(`${who} is there ${copies} times after the thaw (${clientMessageId})`)
    }
  }

  #complain(sentence: string): void {
    this.#counterexamples.push(sentence)
  }
}

const NO_ANSWER = { code: 'NETWORK', details: null, requestId: '' }

async function openLink(client: ParleyClient): Promise<Link> {
  const token = await client.accessToken()
  const { link } = await Link.open({ url: client.baseUrl, token, onFrame: () => {} })
  return link
}

async function retried<T>(ask: () => Promise<T> | undefined): Promise<T | null> {
  const deadline = performance.now() + RETRY_FOR_MS
  while (performance.now() < deadline) {
    try {
      return (await ask()) ?? null
    } catch (err) {
      if (err instanceof ApiError && !err.retryable) return null
      await pause(200)
    }
  }
  return null
}
