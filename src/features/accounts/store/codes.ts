/** Reads and writes of one-time codes. Issuing is serialised per number, so that parallel requests cannot get a fourth. */
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Db } from '../../../stores/postgres.ts'
import { CODE_RULES } from '../codes.ts'
import { otpCodes, type PendingRegistration } from '../tables.ts'
import type { Connection } from './sessions.ts'

export interface IssueCode {
  id: string
  phoneNumber: string
  purpose: string
  codeHash: string
  requestedFrom: string
  /** What `register` was told; undefined keeps what the code before carried. */
  pending?: PendingRegistration
  limited: boolean
}

export type Issued =
  | { issued: true; resendAfterSeconds: number; pending: PendingRegistration | null }
  | { issued: false; retryAfterSeconds: number }

interface Recent {
  [column: string]: unknown
  sent: number
  /** Until the oldest code of the last hour no longer counts. */
  wait: number | null
  /** Somebody at another address began to register this number and did not finish. */
  contested: boolean
  pending: PendingRegistration | null
}

/** Stores a new code in the place of the one before, unless the number has had its share of the hour. */
export function issueCode(db: Db, code: IssueCode): Promise<Issued> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`code:${code.phoneNumber}`}, 0))`)
    const [recent] = await tx.execute<Recent>(sql`
      select
        count(*)::int as sent,
        ceil(extract(epoch from min(created_at) + interval '1 hour' - clock_timestamp()))::int as wait,
        coalesce(bool_or(pending is not null and used_at is null and requested_from <> ${code.requestedFrom}), false)
          as contested,
        (array_agg(pending order by created_at desc)
          filter (where used_at is null and purpose = ${code.purpose}))[1] as pending
      from otp_codes
      where phone_number = ${code.phoneNumber} and created_at > clock_timestamp() - interval '1 hour'`)
    if (recent === undefined) throw new Error('counting codes gave no row')
    const wait = Math.max(1, recent.wait ?? 1)
    if (code.limited && recent.sent >= CODE_RULES.perHourMax)
      return { issued: false, retryAfterSeconds: wait }
    await tx
      .update(otpCodes)
      .set({ replacedAt: sql`now()` })
      .where(
        and(
          eq(otpCodes.phoneNumber, code.phoneNumber),
          eq(otpCodes.purpose, code.purpose),
          isNull(otpCodes.usedAt),
          isNull(otpCodes.replacedAt),
        ),
      )
    const pending = code.pending === undefined ? recent.pending : settled(code.pending, recent.contested)
    await tx.insert(otpCodes).values({
      id: code.id,
      phoneNumber: code.phoneNumber,
      purpose: code.purpose,
      codeHash: code.codeHash,
      requestedFrom: code.requestedFrom,
      pending,
      createdAt: sql`clock_timestamp()`,
      expiresAt: sql`clock_timestamp() + make_interval(secs => ${CODE_RULES.lifetimeSeconds})`,
    })
    const last = code.limited && recent.sent + 1 >= CODE_RULES.perHourMax
    return {
      issued: true,
      resendAfterSeconds: last ? Math.max(wait, CODE_RULES.resendSeconds) : CODE_RULES.resendSeconds,
      pending,
    }
  })
}

/**
 * Two addresses registering one number at once: the owner of the phone will enter the newest code, whoever asked for it.
 * So neither may bring a password or an e-mail address along, or the other one would own a way into the account.
 */
function settled(pending: PendingRegistration, contested: boolean): PendingRegistration {
  return contested ? { ...pending, passwordHash: null, email: null } : pending
}

export interface TriedCode {
  id: string
  codeHash: string
  pending: PendingRegistration | null
}

/** Counts a try at the live code and gives it out for comparing; null where none is live or its tries are used up. */
export async function tryCode(
  db: Connection,
  phoneNumber: string,
  purpose: string,
): Promise<TriedCode | null> {
  const [row] = await db
    .update(otpCodes)
    .set({ tries: sql`tries + 1` })
    .where(
      and(
        eq(otpCodes.phoneNumber, phoneNumber),
        eq(otpCodes.purpose, purpose),
        isNull(otpCodes.usedAt),
        isNull(otpCodes.replacedAt),
        sql`tries < ${CODE_RULES.triesMax}`,
        sql`expires_at > now()`,
      ),
    )
    .returning({ id: otpCodes.id, codeHash: otpCodes.codeHash, pending: otpCodes.pending })
  return row ?? null
}

/** Uses the code up; of two at once only one succeeds. */
export async function spendCode(db: Connection, id: string): Promise<boolean> {
  const rows = await db
    .update(otpCodes)
    .set({ usedAt: sql`now()` })
    .where(and(eq(otpCodes.id, id), isNull(otpCodes.usedAt), isNull(otpCodes.replacedAt)))
    .returning({ id: otpCodes.id })
  return rows.length > 0
}

export async function deleteOldCodes(db: Connection): Promise<void> {
  await db.execute(sql`
    delete from otp_codes where id in (
      select id from otp_codes where created_at < now() - interval '1 day' limit 1000 for update skip locked)`)
}
