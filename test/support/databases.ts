// A PostgreSQL database and a MongoDB database of one's own, by name on the servers that the run provides.
import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'
import postgres from 'postgres'

export type Databases = { name: string; databaseUrl: string; mongodbUrl: string; drop: () => Promise<void> }

/** Servers of the caller's own, who also ends them. */
export type OwnServers = { postgres?: string | undefined; mongodb?: string | undefined }

export async function createDatabases(own: OwnServers = {}): Promise<Databases> {
  const name = `t_${randomBytes(6).toString('hex')}`
  const serverUrl = own.postgres ?? required('DATABASE_URL')
  const databaseUrl = withPath(serverUrl, name)
  const mongodbUrl = withPath(own.mongodb ?? required('MONGODB_URL'), name)
  await administer(serverUrl, `CREATE DATABASE ${name}`)
  return {
    name,
    databaseUrl,
    mongodbUrl,
    drop: async () => {
      if (own.postgres === undefined)
        await administer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      if (own.mongodb !== undefined) return
      const mongo = await MongoClient.connect(mongodbUrl)
      await mongo.db(name).dropDatabase()
      await mongo.close()
    },
  }
}

async function administer(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}

export function withPath(url: string, name: string): string {
  const [base = '', query] = url.split('?', 2)
  const root = /^[a-z+]+:\/\/[^/]+/.exec(base)?.[0] ?? base
  return query === undefined ? `${root}/${name}` : `${root}/${name}?${query}`
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is missing: run the tests by npm test`)
  return value
}
