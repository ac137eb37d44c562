// A PostgreSQL database and a MongoDB database of one's own, by name on the servers that the run provides.
import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'
import postgres from 'postgres'

export type Databases = { databaseUrl: string; mongodbUrl: string; drop: () => Promise<void> }

/** `ownMongodbUrl` is that of a MongoDB of the caller's own, who also ends it. */
export async function createDatabases(ownMongodbUrl?: string): Promise<Databases> {
  const name = `t_${randomBytes(6).toString('hex')}`
  const serverUrl = required('DATABASE_URL')
  const databaseUrl = withPath(serverUrl, name)
  const mongodbUrl = withPath(ownMongodbUrl ?? required('MONGODB_URL'), name)
  await administer(serverUrl, `CREATE DATABASE ${name}`)
  return {
    databaseUrl,
    mongodbUrl,
    drop: async () => {
      await administer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      if (ownMongodbUrl !== undefined) return
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

function withPath(url: string, name: string): string {
  const [base = '', query] = url.split('?', 2)
  const root = /^[a-z+]+:\/\/[^/]+/.exec(base)?.[0] ?? base
  return query === undefined ? `${root}/${name}` : `${root}/${name}?${query}`
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is missing: run the tests by npm test`)
  return value
}
