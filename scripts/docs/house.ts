// What the documents may name: read from the code itself, so that a document can be held against it.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { environmentReference, readConfig } from '../../src/config.ts'
import type { Ctx } from '../../src/context.ts'
import { buildAsyncApi } from '../../src/gateway/asyncapi.ts'
import { allEndpoints, buildApp } from '../../src/http/app.ts'
import type { Probes } from '../../src/http/health.ts'
import { buildOpenApi } from '../../src/http/openapi.ts'
import { ERROR_STATUS } from '../../src/lib/errors.ts'
import { registry } from '../../src/stores/metrics.ts'
import type { NodeList } from '../../src/stores/node-list.ts'

export type Route = { method: string; path: string }

export type House = {
  /** Files and folders, relative to the root; folders without a slash at the end. */
  paths: Set<string>
  npmScripts: Set<string>
  /** Variables of the environment that the server or a script reads. */
  variables: Set<string>
  /** Names in capitals that are no variables: error codes. */
  codes: Set<string>
  /** Of the OpenAPI document. */
  routes: Route[]
  /** The rest of what the server answers: `/healthz`, `/ws`, … */
  servicePaths: string[]
  /** Of the AsyncAPI document. */
  events: Set<string>
  metrics: Set<string>
  /** The text of all scripts: what lies in `.data` is named there. */
  scriptText: string
}

const IGNORED = new Set(['.git', '.data', 'node_modules', 'coverage'])

/** Reads the whole house below a folder. Opens no store. */
export async function readHouse(root: string): Promise<House> {
  const paths = await listPaths(root)
  const scriptText = await readAll(
    root,
    paths.filter((path) => /^scripts\/.*\.(ts|mjs|sh)$/.test(path) && !path.startsWith('scripts/docs/')),
  )
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const config = readConfig({
    NODE_ENV: 'development',
    DATABASE_URL: 'postgres://localhost/parley',
    MONGODB_URL: 'mongodb://localhost/parley',
    REDIS_URL: 'redis://localhost',
    ID_SECRET: 'no secret, only a text of some length',
    JWT_PRIVATE_KEYS: '[{"kty":"EC","kid":"none","d":"none"}]',
  })
  // Routes are mounted by what the configuration says; the stores are asked when a request comes, and none does.
  const ctx = { config } as Ctx
  const openApi = buildOpenApi(allEndpoints(config)) as { paths: Record<string, Record<string, unknown>> }
  const asyncApi = buildAsyncApi() as {
    channels: { socket: { address: string; messages: Record<string, { name: string }> } }
  }
  const app = buildApp(ctx, { probes: {} as Probes, nodes: {} as NodeList, asyncApi: '{}' })
  const { socket } = asyncApi.channels
  return {
    paths: new Set(paths),
    npmScripts: new Set(Object.keys(scripts)),
    variables: new Set([...environmentReference().map(({ name }) => name), ...variablesOf(scriptText)]),
    codes: new Set(Object.keys(ERROR_STATUS)),
    routes: Object.entries(openApi.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => ({ method: method.toUpperCase(), path })),
    ),
    servicePaths: [...new Set([socket.address, ...app.routes.map(({ path }) => path.replace(/\/\*$/, ''))])],
    events: new Set(Object.values(socket.messages).map(({ name }) => name)),
    metrics: new Set(registry.getMetricsAsArray().map(({ name }) => name)),
    scriptText,
  }
}

async function listPaths(root: string, folder = ''): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  const found = await Promise.all(
    entries
      .filter(({ name }) => !IGNORED.has(name))
      .map(async (entry) => {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`
        return entry.isDirectory() ? [path, ...(await listPaths(root, path))] : [path]
      }),
  )
  return found.flat()
}

async function readAll(root: string, paths: string[]): Promise<string> {
  return (await Promise.all(paths.map((path) => readFile(join(root, path), 'utf8')))).join('\n')
}

function* variablesOf(text: string): Iterable<string> {
  for (const [, dotted, quoted] of text.matchAll(/process\.env(?:\.([A-Z]\w+)|\['([A-Z]\w+)'\])/g))
    yield dotted ?? quoted ?? ''
}
