import type { Ctx } from '../../context.ts'
import { uuidv7 } from '../../lib/uuid.ts'
import type { Caller } from '../../wire/endpoint.ts'
import { SIGN_IN } from './issue-code.ts'
import { hashPassword } from './passwords.ts'
import { taken } from './register.ts'
import type { SignedIn, VerifyCode } from './schema.ts'
import { beginSession, REMEMBERED_SECONDS, wrongCredentials } from './sign-in.ts'
import { spendCode, tryCode, type TriedCode } from './store/codes.ts'
import type { Connection } from './store/sessions.ts'
import { findUserByPhone, findUserByUsername, insertUser, type UserRow } from './store/users.ts'

export interface Verified {
  isNew: boolean
  signedIn: SignedIn
}

/**
 * Turns a right code into a signed-in device: of the user who has that number, as that user is, or else of the one whose
 * registration waits with the code.
 *
 * The try is counted on its own, before the comparison: whatever fails later, it stays counted. The rest is one
 * transaction, so a registration refused for a taken username leaves the code unspent.
 */
export async function verifyCode(ctx: Ctx, input: VerifyCode, caller: Caller): Promise<Verified> {
  const { phoneNumber } = input
  const tried = await tryCode(ctx.db, phoneNumber, SIGN_IN)
  const binding = { id: tried?.id ?? '', phoneNumber, purpose: SIGN_IN }
  if (tried === null || !ctx.accounts.codes.matches(input.otp, binding, tried.codeHash))
    throw wrongCredentials('code')
  const passwordHash = input.password === undefined ? null : await hashPassword(input.password)
  const { isNew, session } = await ctx.db.transaction(async (tx) => {
    if (!(await spendCode(tx, tried.id))) throw wrongCredentials('code')
    const existing = await findUserByPhone(tx, phoneNumber)
    const user = existing ?? (await createUser(ctx, tx, { phoneNumber, tried, passwordHash }))
    const { device } = input
    return {
      isNew: existing === null,
      session: await beginSession(ctx, tx, { user, device, lifetimeSeconds: REMEMBERED_SECONDS, caller }),
    }
  })
  return { isNew, signedIn: await session.finish() }
}

interface Registration {
  phoneNumber: string
  tried: TriedCode
  passwordHash: string | null
}

async function createUser(ctx: Ctx, tx: Connection, registration: Registration): Promise<UserRow> {
  const { pending } = registration.tried
  if (pending === null) throw wrongCredentials('code')
  const user = await insertUser(tx, uuidv7(ctx.clock.now()), registration.phoneNumber, {
    ...pending,
    passwordHash: registration.passwordHash ?? pending.passwordHash,
  })
  if (user !== null) return user
  const nameIsTaken = pending.username !== null && (await findUserByUsername(tx, pending.username)) !== null
  throw taken(nameIsTaken ? 'username' : 'email')
}
