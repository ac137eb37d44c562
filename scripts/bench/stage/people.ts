// The cast of a run: real users with real tokens and chats, made through the public API.
import { ParleyClient } from '../../src/client/rest.ts'
import { signUp } from '../../src/client/sign-up.ts'
import type { Chat } from '../../src/client/model.ts'
import type { Person, Workload } from './plan.ts'

const WIDTH = 12

export type Cast = { people: Person[]; clients: ParleyClient[] }

export async function signUpMany(url: string, count: number, onOne: (done: number) => void): Promise<Cast> {
  let done = 0
  const all = await inParallel(count, async (i) => {
    const client = new ParleyClient({ baseUrl: url, timeoutMs: 60_000 })
    const { user, tokens } = await signUp(client, `Person ${i}`, { name: 'bench', platform: 'other' })
    onOne((done += 1))
    return { client, person: { id: user.id, token: tokens.accessToken } }
  })
  return { people: all.map(({ person }) => person), clients: all.map(({ client }) => client) }
}

/** One chat for each lane, in the order of the lanes. */
export async function makeChats(cast: Cast, workload: Workload): Promise<string[]> {
  const create = async (owner: number, body: Record<string, unknown>): Promise<string> =>
    (await (cast.clients[owner] as ParleyClient).post<Chat>('/api/chats', body)).id
  if (workload.shape === 'group') {
    const participantIds = cast.people.slice(1, workload.people).map((person) => person.id)
    return [await create(0, { type: 'group', name: 'bench', participantIds })]
  }
  return await inParallel(workload.lanes, (lane) =>
    create(lane * 2, { type: 'direct', participantIds: [cast.people[lane * 2 + 1]?.id] }),
  )
}

async function inParallel<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const results = Array.from<T>({ length: count })
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) results[i] = await make(i)
  }
  await Promise.all(Array.from({ length: WIDTH }, worker))
  return results
}
