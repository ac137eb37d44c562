// Redis that dies, forgets, stands still, or is full. Nothing in it is the truth, so all of it may happen.
import { type Fault, HEAL_SECONDS, INSTANT } from './fault.ts'

const base = { concerns: 'redis', healSeconds: HEAL_SECONDS } as const

export const redisFaults: Fault[] = [
  {
    ...base,
    name: 'redis-kill',
    title: 'kill -9 of Redis, and an empty one in its place',
    lastsMs: [200, 3_000],
    begin: async ({ world: { redis } }) => {
      await redis.member.kill()
      return { mend: () => redis.restart('empty') }
    },
  },
  {
    ...base,
    name: 'redis-rewind',
    title: 'kill -9 of Redis, which comes back with an older snapshot',
    lastsMs: [200, 3_000],
    begin: async ({ world: { redis }, random }) => {
      await redis.save()
      await new Promise((resolve) => setTimeout(resolve, random.between(300, 2_000)))
      await redis.member.kill()
      return { mend: () => redis.restart('saved') }
    },
  },
  {
    ...base,
    name: 'redis-flush',
    title: 'FLUSHALL',
    lastsMs: INSTANT,
    begin: async ({ world: { redis } }) => {
      await redis.ask((client) => client.flushall())
      return {}
    },
  },
  {
    ...base,
    name: 'redis-swap',
    title: 'another, empty Redis takes the place of the one in use',
    lastsMs: INSTANT,
    begin: async ({ world }) => {
      const [spare] = world.stores.redis.filter((redis) => redis !== world.redis)
      await spare?.ask((client) => client.flushall())
      world.swapRedis()
      return {}
    },
  },
  {
    ...base,
    name: 'redis-swap-stale',
    title: 'another Redis takes over, with what it held when it was last in use',
    lastsMs: INSTANT,
    begin: async ({ world }) => {
      world.swapRedis()
      return {}
    },
  },
  {
    ...base,
    name: 'redis-freeze',
    title: 'SIGSTOP of Redis',
    lastsMs: [3_000, 9_000],
    begin: async ({ world: { redis } }) => {
      redis.member.freeze()
      return { mend: async () => redis.member.thaw() }
    },
  },
  {
    ...base,
    name: 'redis-full',
    title: 'Redis is out of memory and evicts nothing',
    lastsMs: [3_000, 8_000],
    begin: async ({ world: { redis } }) => {
      await redis.ask((client) => client.config('SET', 'maxmemory', '1'))
      return { mend: async () => void (await redis.ask((client) => client.config('SET', 'maxmemory', '0'))) }
    },
  },
  {
    ...base,
    name: 'redis-outage',
    title: 'Redis is gone for long',
    lastsMs: INSTANT,
    isOutage: true,
    begin: async ({ world: { redis } }) => {
      await redis.member.kill()
      return { mend: () => redis.restart('empty') }
    },
  },
]
