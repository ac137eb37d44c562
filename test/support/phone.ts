// A person's device: a conforming client that also remembers every frame in the order of arrival.
import { randomInt, randomUUID } from 'node:crypto'
import { ParleyClient } from '../../src/client/rest.ts'
import { ParleySocket, type SocketOptions } from '../../src/client/socket.ts'
import { Replica } from '../../src/client/replica.ts'
import type { Chat, Draft, Frame, Message, SignedIn, User } from '../../src/client/model.ts'
import { newestCode } from './outbox-reader.ts'
import { until } from './until.ts'

export type PhoneOptions = Pick<SocketOptions, 'via' | 'autoAck' | 'silenceMs'> & {
  /** Signed in, but without a socket. */
  isOffline?: boolean
  fullName?: string
}

export type ReceivedFrame = Frame & { data: Record<string, unknown> & { message?: Message } }

/** A valid mobile number that nobody else in this database will have. */
export function randomPhoneNumber(): string {
  return `+9198${String(randomInt(100_000_000)).padStart(8, '0')}`
}

export class Phone {
  readonly name: string
  readonly phoneNumber: string
  readonly client: ParleyClient
  readonly user: User
  readonly deviceId: string
  readonly store = new Replica()
  readonly frames: ReceivedFrame[] = []
  socket: ParleySocket
  url: string
  readonly #options: PhoneOptions

  private constructor(
    name: string,
    signedIn: SignedIn,
    signedOn: { client: ParleyClient; url: string },
    options: PhoneOptions,
  ) {
    this.name = name
    this.user = signedIn.user
    this.phoneNumber = signedIn.user.phoneNumber
    this.deviceId = signedIn.device.id
    this.client = new ParleyClient({ baseUrl: () => this.url, tokens: signedIn.tokens })
    this.url = signedOn.url
    this.#options = options
    this.socket = this.#newSocket()
  }

  /** A new person, through the public door: register, read the code, verify it, connect. */
  static async register(url: string, name: string, options: PhoneOptions = {}): Promise<Phone> {
    const phoneNumber = randomPhoneNumber()
    const fullName = options.fullName ?? name
    const path = '/api/auth/register'
    const ask = (client: ParleyClient): Promise<unknown> => client.post(path, { phoneNumber, fullName })
    return await Phone.#signIn(url, name, phoneNumber, ask, options)
  }

  /** The same person on one more device. */
  async another(options: PhoneOptions & { url?: string } = {}): Promise<Phone> {
    const { phoneNumber } = this
    const ask = (client: ParleyClient): Promise<unknown> => client.post('/api/auth/otp', { phoneNumber })
    return await Phone.#signIn(options.url ?? this.url, `${this.name} again`, phoneNumber, ask, options)
  }

  static async #signIn(
    url: string,
    name: string,
    phoneNumber: string,
    ask: (client: ParleyClient) => Promise<unknown>,
    options: PhoneOptions,
  ): Promise<Phone> {
    const client = new ParleyClient({ baseUrl: url })
    const code = await newestCode(url, phoneNumber, () => ask(client))
    const signedIn = await client.verifyOtp(phoneNumber, code, { name: `${name}'s phone`, platform: 'other' })
    const phone = new Phone(name, signedIn, { client, url }, options)
    if (options.isOffline !== true) await phone.online()
    return phone
  }

  get userId(): string {
    return this.user.id
  }

  /** Connects (at this node or another) and returns once everything missed has been stored. */
  async online(url: string = this.url): Promise<void> {
    this.url = url
    this.socket = this.#newSocket()
    const caughtUp = this.#caughtUp()
    await Promise.all([this.socket.start(), caughtUp])
  }

  /** Goes away; store and cursor stay, as on a phone without reception. */
  async offline(): Promise<void> {
    await this.socket.stop()
  }

  async directWith(other: Phone): Promise<Chat> {
    return await this.client.post<Chat>('/api/chats', { type: 'direct', participantIds: [other.userId] })
  }

  async groupWith(others: Phone[], name = 'a group'): Promise<Chat> {
    const participantIds = others.map((other) => other.userId)
    return await this.client.post<Chat>('/api/chats', { type: 'group', name, participantIds })
  }

  async send(chatId: string, content: string, draft: Draft = {}): Promise<Message> {
    return await this.socket.send(chatId, { ...draft, content })
  }

  /** The same over REST. */
  async post(chatId: string, content: string, draft: Draft = {}): Promise<Message> {
    const body = { clientMessageId: randomUUID(), ...draft, content }
    return await this.client.post<Message>(`/api/chats/${chatId}/messages`, body)
  }

  async chat(chatId: string): Promise<Chat> {
    return await this.client.get<Chat>(`/api/chats/${chatId}`)
  }

  /** The first matching frame since `from` (a length of `frames`), already here or still to come. */
  async waitFor(
    event: string,
    predicate: (frame: ReceivedFrame) => boolean = () => true,
    options: { timeoutMs?: number; from?: number } = {},
  ): Promise<ReceivedFrame> {
    const { from = 0, ...rest } = options
    const find = (): ReceivedFrame | undefined =>
      this.frames.slice(from).find((frame) => frame.event === event && predicate(frame))
    return await until(`${this.name} gets ${event}`, find, rest)
  }

  async waitForText(content: string, options: { timeoutMs?: number; from?: number } = {}): Promise<Message> {
    const isIt = (frame: ReceivedFrame): boolean => frame.data.message?.content === content
    const frame = await this.waitFor('message:received', isIt, options)
    return frame.data.message as Message
  }

  /** What came of one event, in the order of arrival. */
  eventsOf(event: string, from = 0): ReceivedFrame[] {
    return this.frames.slice(from).filter((frame) => frame.event === event)
  }

  received(chatId: string, from = 0): Message[] {
    return this.eventsOf('message:received', from)
      .map((frame) => frame.data.message as Message)
      .filter((message) => message.chatId === chatId)
  }

  #caughtUp(): Promise<void> {
    return new Promise((resolve, reject) => {
      // A device without a cursor gets no sync:done; its own catch-up is what brings it up to date.
      this.socket.once(this.store.cursor === null ? 'caught-up' : 'live', () => resolve())
      this.socket.once('stopped', (err) => reject(err as Error))
    })
  }

  #newSocket(): ParleySocket {
    const { via, autoAck, silenceMs } = this.#options
    const socket = new ParleySocket({
      client: this.client,
      storage: this.store,
      backoff: { minMs: 50, maxMs: 500 },
      silenceMs: silenceMs ?? 6_000,
      ...(via !== undefined && { via }),
      ...(autoAck !== undefined && { autoAck }),
    })
    socket.on('frame', (frame) => this.frames.push(frame as ReceivedFrame))
    return socket
  }
}
