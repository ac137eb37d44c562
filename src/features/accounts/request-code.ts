import type { Ctx } from '../../context.ts'
import { sendSignInCode } from './issue-code.ts'
import type { CodeSent, RequestCode } from './schema.ts'

/** Sends a code for signing in, or a new one for a registration that has begun. */
export function requestCode(ctx: Ctx, input: RequestCode, callerIp: string): Promise<CodeSent> {
  return sendSignInCode(ctx, { ...input, requestedFrom: callerIp })
}
