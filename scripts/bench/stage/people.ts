// The cast of a run. People are written straight into PostgreSQL, as sign-up would leave them, and their access tokens
// are signed with the key of the server that is measured: ten thousand of them in a few seconds. Chats go by the API.
import { randomInt, randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { ParleyClient } from '../../../src/client/rest.ts'
import type { Chat } from '../../../src/client/model.ts'
import { AccessTokens } from '../../../src/features/accounts/access-tokens.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { uuidv7 } from '../../../src/lib/uuid.ts'
import type { Person, Workload } from '../plan.ts'

const ROWS = 1_000
const WIDTH = 12
const SESSION_SECONDS = 24 * 3600

type Account = { userId: string; deviceId: string; sessionId: string }

export type Cast = {
  /** The first so many people, with fresh tokens: those of a long run would die on the way. */
  people: (count: number) => Promise<Person[]>
  postgresBytesPerPerson: () => Promise<number>
}

/** Writes `count` new people with a device and a session each. */
export async function castPeople(
  databaseUrl: string,
  jwtPrivateKeys: string,
  count: number,
  onSome: (done: number) => void,
): Promise<Cast> {
  const tokens = await AccessTokens.open(JSON.parse(jwtPrivateKeys) as object[], systemClock)
  const accounts = Array.from({ length: count }, (): Account => {
    const now = new Date()
    return { userId: uuidv7(now), deviceId: uuidv7(now), sessionId: uuidv7(now) }
  })
  await withDatabase(databaseUrl, async (sql) => {
    const firstPhone = randomInt(10_000, 90_000) * 100_000
    for (let from = 0; from < count; from += ROWS) {
      await insert(sql, accounts.slice(from, from + ROWS), firstPhone + from)
      onSome(Math.min(from + ROWS, count))
    }
    await sql`analyze`
  })
  return {
    people: async (first) => {
      const now = new Date()
      return await Promise.all(
        accounts.slice(0, first).map(async (account) => ({
          id: account.userId,
          token: await tokens.sign(account, now),
        })),
      )
    },
    postgresBytesPerPerson: () =>
      withDatabase(databaseUrl, async (sql) => {
        const [row] = await sql<{ bytes: string }[]>`
          select sum(pg_total_relation_size(name::regclass)) / (select count(*) from users) as bytes
          from unnest(array['users', 'devices', 'sessions']) as name`
        return Number(row?.bytes ?? 0)
      }),
  }
}

async function insert(sql: postgres.Sql, accounts: Account[], firstPhone: number): Promise<void> {
  const users = accounts.map(({ userId }, i) => ({
    id: userId,
    phone_number: `+91${firstPhone + i}`,
    country_code: '+91',
    full_name: `Person ${firstPhone + i}`,
  }))
  const devices = accounts.map(({ userId, deviceId }) => ({
    id: deviceId,
    user_id: userId,
    name: 'bench',
    platform: 'other',
  }))
  const sessions = accounts.map(({ userId, deviceId, sessionId }) => ({
    id: sessionId,
    user_id: userId,
    device_id: deviceId,
    // Hashes of tokens that nobody holds: these sessions cannot be refreshed, and need not be.
    family_hash: randomUUID(),
    refresh_hash: randomUUID(),
    lifetime_seconds: SESSION_SECONDS,
    expires_at: new Date(Date.now() + SESSION_SECONDS * 1000),
  }))
  await sql.begin(async (tx) => {
    await tx`insert into users ${tx(users)}`
    await tx`insert into devices ${tx(devices)}`
    await tx`insert into sessions ${tx(sessions)}`
  })
}

async function withDatabase<T>(url: string, use: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return await use(sql)
  } finally {
    await sql.end()
  }
}

export function clientOf(url: string, person: Person): ParleyClient {
  const tokens = { accessToken: person.token, refreshToken: '', tokenType: 'Bearer', expiresIn: 900 } as const
  return new ParleyClient({ baseUrl: url, timeoutMs: 60_000, tokens })
}

/** One chat for each lane, in the order of the lanes. */
export async function makeChats(url: string, people: Person[], workload: Workload): Promise<string[]> {
  const create = async (owner: number, body: Record<string, unknown>): Promise<string> =>
    (await clientOf(url, people[owner] as Person).post<Chat>('/api/chats', body)).id
  if (workload.shape === 'group') {
    const participantIds = people.slice(1, workload.people).map((person) => person.id)
    return [await create(0, { type: 'group', name: 'bench', participantIds })]
  }
  return await inParallel(workload.lanes, (lane) =>
    create(lane * 2, { type: 'direct', participantIds: [people[lane * 2 + 1]?.id] }),
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
