/** Registering and signing in, without a token. */
import { endpoint } from '../../context.ts'
import { accepted, created, ok } from '../../wire/endpoint.ts'
import { DEVICE, PHONE, SIGNED_IN, TOKENS } from './examples.ts'
import { login } from './login.ts'
import { refresh } from './refresh.ts'
import { register } from './register.ts'
import { requestCode } from './request-code.ts'
import {
  codeSent,
  loginBody,
  refreshBody,
  refreshed,
  registerBody,
  requestCodeBody,
  signedIn,
  verifyCodeBody,
} from './schema.ts'
import { verifyCode } from './verify-code.ts'

const tag = 'Authentication'
const CODE_SENT = { otpExpiresIn: 300, resendAfter: 30 }

export const signInEndpoints = [
  endpoint({
    method: 'post',
    path: '/api/auth/register',
    tag,
    summary: 'Begin a registration: a code is sent to the phone',
    description:
      'Nothing exists until the code is verified. A number that has an account answers the same; its code then signs in ' +
      'that account unchanged. A username that is taken is refused here, an e-mail address at `verify-otp`.',
    auth: false,
    body: registerBody,
    bodyExample: {
      phoneNumber: PHONE,
      fullName: 'Asha Rao',
      username: 'asha.rao',
      password: 'seven green lanterns',
    },
    success: { 202: 'A code is on its way.' },
    data: codeSent,
    dataExample: CODE_SENT,
    errors: ['RESOURCE_ALREADY_EXISTS', 'RATE_LIMIT_EXCEEDED', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, { body, caller }) => accepted(await register(ctx, body, caller.ip)),
  }),
  endpoint({
    method: 'post',
    path: '/api/auth/otp',
    tag,
    summary: 'Ask for a code for signing in, or for a new one',
    description:
      'A new code ends the one before. Three an hour and number. Numbers without an account answer the same.',
    auth: false,
    body: requestCodeBody,
    bodyExample: { phoneNumber: PHONE, channel: 'sms' },
    success: { 202: 'A code is on its way.' },
    data: codeSent,
    dataExample: CODE_SENT,
    errors: ['RATE_LIMIT_EXCEEDED', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, { body, caller }) => accepted(await requestCode(ctx, body, caller.ip)),
  }),
  endpoint({
    method: 'post',
    path: '/api/auth/verify-otp',
    tag,
    summary: 'Sign in with a code; a waiting registration becomes an account',
    description:
      'A code lives five minutes, takes five tries and works once. A `password` given here wins over the one given to ' +
      '`register`; an account that exists keeps its own.',
    auth: false,
    body: verifyCodeBody,
    bodyExample: { phoneNumber: PHONE, otp: '402917', device: DEVICE },
    success: { 200: 'Signed in.', 201: 'Registered and signed in.' },
    data: signedIn,
    dataExample: SIGNED_IN,
    errors: ['INVALID_CREDENTIALS', 'RESOURCE_ALREADY_EXISTS'],
    handle: async (ctx, { body, caller }) => {
      const verified = await verifyCode(ctx, body, caller)
      return verified.isNew ? created(verified.signedIn) : ok(verified.signedIn)
    },
  }),
  endpoint({
    method: 'post',
    path: '/api/auth/login',
    tag,
    summary: 'Sign in with a password',
    description:
      'Exactly one of `phoneNumber`, `email` and `username`. Without `rememberMe` the session ends after a day without use.',
    auth: false,
    body: loginBody,
    bodyExample: {
      username: 'asha.rao',
      password: 'seven green lanterns',
      rememberMe: true,
      device: DEVICE,
    },
    success: { 200: 'Signed in.' },
    data: signedIn,
    dataExample: SIGNED_IN,
    errors: ['INVALID_CREDENTIALS', 'RATE_LIMIT_EXCEEDED'],
    handle: async (ctx, { body, caller }) => ok(await login(ctx, body, caller)),
  }),
  endpoint({
    method: 'post',
    path: '/api/auth/refresh',
    tag,
    summary: 'Trade a refresh token for new tokens',
    description:
      'Each refresh token works once. Using a spent one ends its session on every device and node.',
    auth: false,
    body: refreshBody,
    bodyExample: { refreshToken: TOKENS.refreshToken },
    success: { 200: 'The new pair.' },
    data: refreshed,
    dataExample: { tokens: TOKENS },
    errors: ['INVALID_TOKEN'],
    handle: async (ctx, { body, caller }) => ok({ tokens: await refresh(ctx, body.refreshToken, caller.ip) }),
  }),
]
