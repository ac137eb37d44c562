// A whole Parley: stores, nodes, and a link of its own between every two of them that talk.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadDevelopmentSecrets } from '../../secrets.ts'
import type { Log } from '../../stores/supervise.ts'
import { Link } from './link.ts'
import { ServerNode } from './node.ts'
import { Ports } from './ports.ts'
import { type RedisServer, startTortureStores, type TortureStores } from './stores.ts'

export type StoreName = 'mongo' | 'postgres' | 'redis'

export type WorldOptions = {
  folder: string
  nodes: number
  mongoMembers: number
  entry: string
  log: Log
}

/** A node with what lies before and behind it. */
export type Station = { node: ServerNode; door: Link; links: Record<StoreName, Link[]> }

export class World {
  readonly folder: string
  readonly stores: TortureStores
  readonly stations: Station[] = []
  readonly #options: WorldOptions
  readonly #ports: Ports
  readonly #env: Record<string, string>
  #redis = 0
  #made = 0

  private constructor(
    options: WorldOptions,
    ports: Ports,
    stores: TortureStores,
    env: Record<string, string>,
  ) {
    this.folder = options.folder
    this.stores = stores
    this.#options = options
    this.#ports = ports
    this.#env = env
  }

  static async start(options: WorldOptions): Promise<World> {
    const { folder, mongoMembers, log } = options
    await mkdir(join(folder, 'nodes'), { recursive: true })
    const ports = new Ports()
    const stores = await startTortureStores({ folder, mongoMembers, ports, log })
    const world = new World(options, ports, stores, { ...stores.env, ...(await nodeEnv(folder)) })
    try {
      // The first one makes the schema; the others find it made.
      for (let i = 0; i < options.nodes; i += 1) {
        const station = await world.#makeStation()
        world.stations.push(station)
        station.node.spawn()
        await station.node.ready()
      }
    } catch (err) {
      await world.stop()
      throw err
    }
    return world
  }

  get nodes(): ServerNode[] {
    return this.stations.map(({ node }) => node)
  }

  /** Where clients knock: one door a node. */
  get doors(): Link[] {
    return this.stations.map(({ door }) => door)
  }

  /** The Redis that all nodes use now. */
  get redis(): RedisServer {
    const redis = this.stores.redis[this.#redis]
    if (redis === undefined) throw new Error('there is no Redis')
    return redis
  }

  /** Leads all nodes to the other Redis. */
  swapRedis(): void {
    this.#redis = 1 - this.#redis
    const { port } = this.redis.member
    for (const { links } of this.stations) for (const link of links.redis) link.retarget(port)
  }

  /** A node that is not running yet, which reaches the stores directly. */
  async makeNode(routes: Record<number, number> = {}): Promise<ServerNode> {
    this.#made += 1
    const name = `node-${this.#made}`
    return new ServerNode({
      name,
      port: await this.#ports.take(),
      entry: this.#options.entry,
      env: { ...this.#env, NODE_ID: name },
      routes,
      folder: this.folder,
    })
  }

  async #makeStation(): Promise<Station> {
    const { mongo, postgres, redis } = this.stores
    const [first] = redis
    if (first === undefined) throw new Error('there is no Redis')
    const routes: Record<number, number> = {}
    const link = async (to: string, target: number): Promise<Link> => {
      const made = new Link(to, await this.#ports.take(), target)
      await made.open()
      routes[target] = made.port
      return made
    }
    const mongoLinks: Link[] = []
    for (const { name, port } of mongo.members) mongoLinks.push(await link(name, port))
    const links = {
      mongo: mongoLinks,
      postgres: [await link('postgres', postgres.port)],
      redis: [await link('redis', first.member.port)],
    }
    const node = await this.makeNode(routes)
    const door = await link(node.name, node.port)
    return { node, door, links }
  }

  /** Undoes whatever is still broken, so that everything can settle. */
  async mend(): Promise<void> {
    for (const { node, door, links } of this.stations) {
      for (const link of [door, ...Object.values(links).flat()]) await link.heal()
      node.setClock(0)
      if (node.isRunning) node.thaw()
      else node.spawn()
    }
    const { mongo, postgres, redis } = this.stores
    const members = [...mongo.members, postgres, ...redis.map(({ member }) => member)]
    for (const member of members) {
      if (member.hasExited()) await member.restart()
      else member.thaw()
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()))
    for (const { door, links } of this.stations) {
      for (const link of [door, ...Object.values(links).flat()]) link.close()
    }
    await this.stores.stop()
  }
}

async function nodeEnv(folder: string): Promise<Record<string, string>> {
  const outside = ['PATH', 'HOME'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  })
  return {
    ...(Object.fromEntries(outside) as Record<string, string>),
    ...(await loadDevelopmentSecrets(folder)),
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    RATE_LIMITS: 'off',
    LOG_LEVEL: 'info',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  }
}
