// Downloads MongoDB's own build into a folder; a process of its own so that it can be given up and prints nothing.
// usage: download-mongod.ts <folder>; prints `fetched <path>` or `failed <reason>`
import type * as MemoryServer from 'mongodb-memory-server'
import { copyFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

// The downloader accepts any certificate and checks no sum unless it is told to; it reads this when it loads.
process.env.npm_config_strict_ssl = 'true'
process.env.MONGOMS_MD5_CHECK = 'true'
process.env.MONGOMS_MAX_RETRIES = '1'

const { MongoBinary } = createRequire(import.meta.url)('mongodb-memory-server') as typeof MemoryServer
const [folder] = process.argv.slice(2)
if (!folder) throw new Error('usage: download-mongod.ts <folder>')
try {
  const found = await MongoBinary.getPath({ downloadDir: folder, checkMD5: true })
  // The caller moves what it gets, and a copy found in a folder shared with other projects has to stay there.
  const path = join(folder, 'program')
  await copyFile(found, path)
  process.stdout.write(`fetched ${path}\n`)
} catch (err) {
  process.stdout.write(`failed ${(err as Error).message.split('\n').at(-1)}\n`)
}
