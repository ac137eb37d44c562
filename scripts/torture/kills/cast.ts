// Those who send while a node is killed, and those who listen on nodes that are not.
import type { Chat, Message } from '../../../src/client/model.ts'
import { ParleyClient } from '../../../src/client/rest.ts'
import { signUp } from '../../../src/client/sign-up.ts'
import { ParleySocket } from '../../../src/client/socket.ts'
import type { World } from '../world/world.ts'

const SENDERS = 4

export type Person = { id: string; client: ParleyClient }

/** Somebody on a node that lives on, who counts how often each message comes. */
export type Listener = Person & { socket: ParleySocket; heard: Map<string, number> }

/** Somebody with a chat beside the one that counts. */
export type Sender = Person & { warmChatId: string }

export type Cast = { senders: Sender[]; listeners: Listener[]; stop(): Promise<void> }

/** Signs everybody up: a listener on each node, and senders who use the first node for all but the sends. */
export async function makeCast(world: World): Promise<Cast> {
  const listeners: Listener[] = []
  for (const node of world.nodes) listeners.push(await listen(await signUpAt(node.url)))
  const senders: Sender[] = []
  for (let i = 0; i < SENDERS; i += 1) {
    const person = await signUpAt(world.nodes[0]?.url ?? '')
    senders.push({ ...person, warmChatId: await makeQuietChat(person, []) })
  }
  return {
    senders,
    listeners,
    stop: async () => {
      await Promise.all(listeners.map(({ socket }) => socket.stop()))
    },
  }
}

/** A chat in which nothing else happens, so that nothing but the server's own care can bring a message through. */
export async function makeQuietChat(sender: Person, listeners: Listener[]): Promise<string> {
  const participantIds = listeners.map(({ id }) => id)
  return (await sender.client.post<Chat>('/api/chats', { type: 'group', name: 'quiet', participantIds })).id
}

async function signUpAt(url: string): Promise<Person> {
  const client = new ParleyClient({ baseUrl: url })
  const { user } = await signUp(client, 'Kill', { name: 'torture', platform: 'other' })
  return { id: user.id, client }
}

async function listen(person: Person): Promise<Listener> {
  const socket = new ParleySocket({ client: person.client })
  const heard = new Map<string, number>()
  socket.on('frame', (frame) => {
    const { event, data } = frame as { event: string; data?: { message?: Message } }
    const id = event === 'message:received' ? data?.message?.clientMessageId : undefined
    if (id) heard.set(id, (heard.get(id) ?? 0) + 1)
  })
  await socket.start()
  return { ...person, socket, heard }
}
