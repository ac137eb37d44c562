// Nodes that are up before they are needed, so that killing one after the other takes no longer than it must.
import type { ServerNode } from '../world/node.ts'
import type { World } from '../world/world.ts'

const BOOTING_AT_ONCE = 2

export class Spares {
  readonly #world: World
  readonly #all = new Set<ServerNode>()
  readonly #booting: Promise<ServerNode>[] = []
  #left: number

  /** `count` is how many will ever be taken. */
  constructor(world: World, count: number) {
    this.#world = world
    this.#left = count
    for (let i = 0; i < BOOTING_AT_ONCE; i += 1) this.#bootNext()
  }

  /** The next one that is up. */
  async take(): Promise<ServerNode> {
    const next = this.#booting.shift()
    if (next === undefined) throw new Error('no spare node is left')
    this.#bootNext()
    return next
  }

  async stop(): Promise<void> {
    this.#left = 0
    await Promise.allSettled(this.#booting)
    await Promise.all([...this.#all].map((node) => node.kill()))
  }

  #bootNext(): void {
    if (this.#left === 0) return
    this.#left -= 1
    const booted = this.#boot()
    // A failure is reported to whoever takes it; until then it must not count as unhandled.
    booted.catch(() => {})
    this.#booting.push(booted)
  }

  async #boot(): Promise<ServerNode> {
    const node = await this.#world.makeNode()
    this.#all.add(node)
    node.spawn()
    await node.ready()
    return node
  }
}
