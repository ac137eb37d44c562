// Servers that are broken on purpose, each in the way of a shortcut that looks harmless: what the harness must catch.

export type Replacement = {
  /** Below the project. */
  file: string
  /** Must be there exactly once. */
  find: string
  put: string
}

export type BrokenBuild = {
  name: string
  title: string
  /** What a verdict has to say, as “invariant title: counterexample”. */
  proof: RegExp
  /** Faults that expose it, and the members of the replica set that they take. */
  faults: string[]
  mongo: 1 | 3
  /** How long they have to come for that. */
  minutes: number
  replacements: Replacement[]
}

const COMMITTER = 'src/chat-log/committer.ts'
const MESSAGE_INDEXES = 'mongo-indexes/messages.ts'

/** Takes the places of a lane's waiting messages from a counter instead of from the head of the log. */
const countedBy = (counter: string): Replacement => ({
  file: COMMITTER,
  find: '      const placed = this.#place(lane)\n',
  put: `      const waiting = lane.takeEntries(LANE_BATCH)
      lane.putBack(waiting)
      if (lane.state) Object.assign(lane.state, ${counter})
      const placed = this.#place(lane)
`,
})

export const BROKEN_BUILDS: BrokenBuild[] = [
  {
    name: 'ack-before-write',
    title: 'a message is acknowledged before it is written',
    proof: /^1 durable: .* is not stored/,
    faults: ['node-kill'],
    mongo: 1,
    minutes: 0.25,
    replacements: [
      {
        file: COMMITTER,
        find: '      await this.#mongo.log.messages.insertMany(docs, { ordered: true })\n',
        put: `      for (const batch of batches.splice(0)) this.#stored(batch)
      await this.#mongo.log.messages.insertMany(docs, { ordered: true }).catch((err) => this.#log.warn({ err }, 'not written'))
`,
      },
    ],
  },
  {
    name: 'no-dedup-index',
    title: 'nothing tells a retry from a new message',
    proof: /^2 once: .* is stored twice/,
    faults: ['node-kill'],
    mongo: 1,
    minutes: 0.25,
    replacements: [
      {
        file: MESSAGE_INDEXES,
        find: 'options: { unique: true, partialFilterExpression: { clientMessageId',
        put: 'options: { partialFilterExpression: { clientMessageId',
      },
    ],
  },
  {
    name: 'seq-from-redis',
    title: 'places come from a counter in Redis',
    proof: /^3 dense order: .* right behind/,
    faults: ['redis-flush'],
    mongo: 1,
    minutes: 0.25,
    replacements: [
      countedBy('await countIn(lane.chatHex, lane.state, waiting.length)'),
      {
        file: COMMITTER,
        find: 'const LANE_BATCH = ',
        put: `import { Redis } from 'ioredis'
const counters = new Redis(process.env['REDIS_URL'])
counters.on('error', () => {})
async function countIn(chatHex, known, count) {
  const raised = ['seq', 'rev'].map(async (name) => {
    const before = (await counters.incrby(name + ':' + chatHex, count)) - count
    if (before >= known[name]) return [name, before]
    await counters.set(name + ':' + chatHex, known[name] + count)
    return [name, known[name]]
  })
  return Object.fromEntries(await Promise.all(raised))
}
const LANE_BATCH = `,
      },
      {
        file: MESSAGE_INDEXES,
        find: 'key: { chatId: 1, seq: 1 },\n      options: { unique: true },',
        put: 'key: { chatId: 1, seq: 1 },',
      },
    ],
  },
  {
    name: 'increment-then-insert',
    title: 'a counter is raised first and the message inserted under its number afterwards',
    proof: /^3 dense order: .* right behind/,
    faults: ['node-kill'],
    mongo: 1,
    minutes: 0.25,
    replacements: [
      countedBy('await countIn(this.#mongo, lane.chatHex, lane.state, waiting.length)'),
      {
        file: COMMITTER,
        find: 'const LANE_BATCH = ',
        put: `import { ObjectId as CountedId } from 'mongodb'
async function countIn(mongo, chatHex, { seq, rev }, count) {
  const raise = (name, known) => ({ $add: [{ $max: ['$' + name, known] }, count] })
  const raised = [{ $set: { seqs: raise('seqs', seq), revs: raise('revs', rev) } }]
  const chat = await mongo.chats.findOneAndUpdate({ _id: new CountedId(chatHex) }, raised, { returnDocument: 'after' })
  return { seq: chat.seqs - count, rev: chat.revs - count }
}
const LANE_BATCH = `,
      },
    ],
  },
  {
    name: 'unread-by-incr',
    title: 'unread counts are raised blindly by INCR',
    proof: /^8 unread exact: .* unread/,
    faults: ['redis-flush'],
    mongo: 1,
    minutes: 0.25,
    replacements: [
      {
        file: 'src/stores/scripts/fanout.lua',
        find: "      if unreadFor ~= '' and set.counts then raise(set, unreadFor) end\n",
        put: `      if unreadFor ~= '' and chat ~= '' then
        for _, user in ipairs(set.users) do
          if user ~= unreadFor then call('INCR', tag .. 'unread:' .. user .. ':' .. chat .. ':blind') end
        end
      end
`,
      },
      {
        file: 'src/features/marks/unread.ts',
        find: '  const open = questions.filter(({ member, seq }) => seq > member.readSeq)\n',
        put: `  const blind = (member) => ctx.redis.commands.get(keyOf(ctx, member) + ':blind').catch(() => null)
  if (questions.length > 0) return Promise.all(questions.map(async ({ member }) => Number(await blind(member))))
  const open = questions.filter(({ member, seq }) => seq > member.readSeq)
`,
      },
      {
        file: 'src/features/marks/unread.ts',
        find: 'await ctx.redis.commands.del(unreadKey(ctx, userId, chatId))',
        put: "await ctx.redis.commands.del(unreadKey(ctx, userId, chatId) + ':blind')",
      },
    ],
  },
  {
    name: 'write-concern-1',
    title: 'one member’s word is enough',
    proof: /was acknowledged .* without a majority|^1 durable: .* is not stored/,
    faults: ['mongo-no-majority'],
    mongo: 3,
    minutes: 0.5,
    replacements: [
      {
        file: 'src/stores/mongo.ts',
        find: "writeConcern: { w: 'majority', journal: true, wtimeoutMS",
        put: 'writeConcern: { w: 1, wtimeoutMS',
      },
    ],
  },
]
