// Becoming a user of a development server: its outbox shows the codes that a phone would get.
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DeviceInfo, SignedIn } from './model.ts'
import type { ParleyClient } from './rest.ts'

type Sent = { data: { otp?: string } }

const CODE_DEADLINE_MS = 15_000

/** A valid mobile number that is very likely nobody's yet. */
export function randomPhoneNumber(): string {
  return `+9198${String(randomInt(100_000_000)).padStart(8, '0')}`
}

/** Registers a new person and signs the client in as that person. */
export async function signUp(client: ParleyClient, fullName: string, device: DeviceInfo): Promise<SignedIn> {
  const phoneNumber = randomPhoneNumber()
  const body = { phoneNumber, fullName }
  await client.request('POST', '/api/auth/register', { body, anonymous: true })
  return await client.verifyOtp(phoneNumber, await codeFor(client, phoneNumber, 0), device)
}

/** Signs the client in as somebody who has an account already, on one more device. */
export async function signInAgain(
  client: ParleyClient,
  phoneNumber: string,
  device: DeviceInfo,
): Promise<SignedIn> {
  const before = (await codesOf(client, phoneNumber)).length
  await client.request('POST', '/api/auth/otp', { body: { phoneNumber }, anonymous: true })
  return await client.verifyOtp(phoneNumber, await codeFor(client, phoneNumber, before), device)
}

/** The newest code, once there are more than before. */
async function codeFor(client: ParleyClient, phoneNumber: string, before: number): Promise<string> {
  const deadline = Date.now() + CODE_DEADLINE_MS
  while (Date.now() < deadline) {
    const codes = await codesOf(client, phoneNumber)
    if (codes.length > before && codes[0] !== undefined) return codes[0]
    await sleep(25)
  }
  throw new Error(`no code for a new number within ${CODE_DEADLINE_MS} ms: is the server in development?`)
}

async function codesOf(client: ParleyClient, phoneNumber: string): Promise<string[]> {
  const query = { to: phoneNumber }
  const { data } = await client.request<Sent[]>('GET', '/dev/outbox', { query, anonymous: true })
  return data.flatMap((sent) => sent.data.otp ?? [])
}
