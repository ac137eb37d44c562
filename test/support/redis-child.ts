// A Redis of one's own: no persistence, so that a restart is an empty one.
import { tmpdir } from 'node:os'
import { Redis } from 'ioredis'
import { Child } from './child.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

export class RedisChild {
  readonly port: number
  #child: Child | null = null

  private constructor(port: number) {
    this.port = port
  }

  static async start(): Promise<RedisChild> {
    const redis = new RedisChild(await freePort())
    await redis.start()
    return redis
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it, or starts it again on the same port and empty. */
  async start(): Promise<void> {
    const binary = process.env['REDIS_SERVER'] ?? 'redis-server'
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', tmpdir()]
    this.#child = new Child(binary, [...args, '--save', '', '--appendonly', 'no'], { LC_ALL: 'C' }, tmpdir())
    await until('redis answers', () => this.#run((redis) => redis.ping()))
  }

  async flush(): Promise<void> {
    await this.#run((redis) => redis.flushall())
  }

  async kill9(): Promise<void> {
    await this.#child?.kill9()
  }

  sigstop(): void {
    this.#child?.signal('SIGSTOP')
  }

  sigcont(): void {
    this.#child?.signal('SIGCONT')
  }

  async #run<T>(use: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.url, {
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    })
    redis.on('error', () => {})
    try {
      await redis.connect()
      return await use(redis)
    } finally {
      redis.disconnect()
    }
  }
}
