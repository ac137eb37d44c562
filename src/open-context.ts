/** Opens the stores, brings their schemas up to date, and builds the one context. Closes everything in reverse. */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { DECLARED_INDEXES } from '../mongo-indexes/index.ts'
import { Background } from './background.ts'
import { ChatLog, Sweep, Tail } from './chat-log/index.ts'
import type { Config } from './config.ts'
import type { Ctx } from './context.ts'
import { Delivery } from './delivery/index.ts'
import { openAccounts, UntoldAccounts } from './features/accounts/index.ts'
import { Blocks } from './features/blocks/index.ts'
import { chatTellings, memberTellings } from './features/chats/index.ts'
import { MarkWriter } from './features/marks/index.ts'
import { Presence } from './features/presence/index.ts'
import { Untold } from './features/untold/index.ts'
import { probesOf, type Probes } from './http/health.ts'
import { createIds } from './lib/ids.ts'
import type { Log } from './lib/log.ts'
import { PageCursors } from './lib/page-cursor.ts'
import { MongoClock } from './stores/mongo-clock.ts'
import { buildIndexes } from './stores/mongo-indexes.ts'
import { openMongo } from './stores/mongo.ts'
import { NodeList } from './stores/node-list.ts'
import { makeBucket, openObjects } from './stores/objects.ts'
import { Replica } from './stores/postgres-replica.ts'
import { migratePostgres, openPostgres } from './stores/postgres.ts'
import { openRedis } from './stores/redis.ts'

const MIGRATIONS = fileURLToPath(new URL('../drizzle', import.meta.url))

export interface Opened {
  ctx: Ctx
  probes: Probes
  nodes: NodeList
  close: () => Promise<void>
}

export async function openContext(config: Config, log: Log): Promise<Opened> {
  await migratePostgres(config.DATABASE_URL, MIGRATIONS)
  const postgres = openPostgres(config.DATABASE_URL, log)
  const replica = new Replica({ url: config.DATABASE_REPLICA_URL, primary: postgres.db, log })
  await buildIndexes(config.MONGODB_URL, DECLARED_INDEXES, log)
  const mongo = await openMongo(config.MONGODB_URL)
  const clock = await MongoClock.open(mongo.db, log)
  const redis = openRedis(config.REDIS_URL, config.REDIS_PARTITIONS, log)
  await redis.connect()
  const objects = openObjects(config)
  if (objects) await makeBucket(objects)

  const ids = createIds(config.ID_SECRET)
  const background = new Background(log)
  const nodeId = config.NODE_ID ?? randomUUID().slice(0, 8)
  const delivery = new Delivery({ redis, log, nodeId, secret: config.ID_SECRET })
  const blocks = new Blocks({ db: postgres.db, delivery, log })
  const chatLog = new ChatLog({ mongo, delivery, ids, clock, log, blocks })
  const accounts = await openAccounts({ config, db: postgres.db, log, clock })
  const sweep = new Sweep({
    mongo,
    fanOut: delivery.fanOut,
    clock,
    log,
    noteHead: (chatHex, newest) => chatLog.noteHead(chatHex, newest),
  })
  const nodes = new NodeList({ redis, clock, log, id: nodeId, roles: config.ROLES })
  const tail = new Tail({ mongo, delivery, ids, clock, redis, log })
  const kept = { delivery, redis, clock, log }
  const untold = {
    members: new Untold({
      ...kept,
      collection: mongo.members,
      tellings: (member, told) => memberTellings(ctx, member, told),
    }),
    chats: new Untold({ ...kept, collection: mongo.chats, tellings: (chat) => chatTellings(ctx, chat) }),
    accounts: new UntoldAccounts({ ...kept, db: postgres.db }),
  }
  const shared = {
    config,
    log,
    clock,
    ids,
    db: postgres.db,
    replica,
    mongo,
    redis,
    delivery,
    chatLog,
    accounts,
    blocks,
    marks: new MarkWriter(mongo, clock),
    untold,
  }
  const ctx: Ctx = {
    ...shared,
    pages: new PageCursors(config.ID_SECRET),
    after: (task) => background.run(task),
    get presence() {
      return presence
    },
  }
  const presence = new Presence(ctx)

  await replica.start()
  await delivery.start()
  await accounts.start()
  await blocks.start()
  presence.start()
  nodes.start()
  const isWorker = config.ROLES.includes('worker')
  if (isWorker) sweep.start()
  for (const kind of Object.values(untold)) kind.start(isWorker)

  const steps = [
    () => nodes.close(),
    () => presence.close(),
    () => background.settled(),
    () => untold.members.close(),
    () => untold.chats.close(),
    () => untold.accounts.close(),
    () => sweep.close(),
    () => tail.close(),
    () => chatLog.close(),
    () => accounts.close(),
    () => blocks.close(),
    () => Promise.resolve(delivery.close()),
    () => redis.close(),
    () => Promise.resolve(clock.close()),
    () => mongo.close(),
    () => replica.close(),
    () => postgres.close(),
    () => Promise.resolve(objects?.close()),
  ]
  return {
    ctx,
    nodes,
    probes: probesOf(ctx, {
      postgres: () => postgres.ping(),
      objects: objects ? () => objects.ping() : null,
    }),
    close: async () => {
      // Each step runs even where one before it failed.
      for (const step of steps) await step().catch((err: unknown) => log.warn({ err }, 'closing failed'))
    },
  }
}
