/**
 * Group commit of marks: those that move while a write is under way are the next one, and of several moves of one mark
 * the farthest is enough. So a crowd that stores or reads costs a few writes, not one a device and chat.
 */
import { ObjectId, type AnyBulkWriteOperation } from 'mongodb'
import { Gather } from '../../lib/gather.ts'
import type { Clock } from '../../lib/clock.ts'
import type { MemberDoc, Mongo } from '../../stores/mongo.ts'

export type MarkKind = 'read' | 'delivered'

interface Move {
  member: MemberDoc
  kind: MarkKind
  seq: number
}

const MOVES_AT_ONCE = 500
/** Times kept per member for the receipts of single messages. */
const TIMES_KEPT = 50

export class MarkWriter {
  readonly #mongo: Mongo
  readonly #clock: Clock
  readonly #moves: Gather<Move, MemberDoc>

  constructor(mongo: Mongo, clock: Clock) {
    this.#mongo = mongo
    this.#clock = clock
    this.#moves = new Gather(MOVES_AT_ONCE, (moves) => this.#write(moves))
  }

  /** Moves a mark up to `seq`, or leaves it where it is beyond that already. Gives the member as he is then. */
  move(member: MemberDoc, kind: MarkKind, seq: number): Promise<MemberDoc> {
    return this.#moves.ask({ member, kind, seq })
  }

  async #write(moves: Move[]): Promise<MemberDoc[]> {
    const farthest = new Map<string, Move>()
    for (const move of moves) {
      const key = `${move.kind} ${move.member._id.toHexString()}`
      if ((farthest.get(key)?.seq ?? -1) < move.seq) farthest.set(key, move)
    }
    const at = this.#clock.now()
    const operations = [...farthest.values()].map((move) => operationOf(move, at))
    await this.#mongo.members.bulkWrite(operations, { ordered: false })
    const ids = new Map(moves.map(({ member }) => [member._id.toHexString(), member._id]))
    const found = await this.#mongo.members.find({ _id: { $in: [...ids.values()] } }).toArray()
    const after = new Map(found.map((member) => [member._id.toHexString(), member]))
    return moves.map(({ member }) => after.get(member._id.toHexString()) ?? member)
  }
}

function operationOf({ member, kind, seq }: Move, at: Date): AnyBulkWriteOperation<MemberDoc> {
  const { readSeq, deliveredSeq } = member
  const push = { $each: [{ seq, at }], $slice: -TIMES_KEPT }
  return {
    updateOne: {
      // Of two writes on two nodes the lower one changes nothing.
      filter: { _id: member._id, [kind === 'read' ? 'readSeq' : 'deliveredSeq']: { $lt: seq } },
      update: {
        ...(kind === 'read'
          ? { $max: { readSeq: seq, deliveredSeq: seq }, $push: { readMarks: push } }
          : { $max: { deliveredSeq: seq }, $push: { deliveredMarks: push } }),
        // That it is to be told is of the same write: who dies behind it leaves it to the others.
        $set: { 'untold.version': new ObjectId() },
        $currentDate: { 'untold.at': true },
        $min: {
          ...(kind === 'read' && { 'untold.read': readSeq }),
          ...(seq > deliveredSeq && { 'untold.delivered': deliveredSeq }),
        },
      },
    },
  }
}
