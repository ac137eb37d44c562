import { until } from './until.ts'

export type OutboxEntry = {
  channel: string
  to: string
  body: string
  data: Record<string, string>
  at: string
}

/** What was "sent" to somebody, newest first. */
export async function outboxOf(url: string, to: string): Promise<OutboxEntry[]> {
  const response = await fetch(`${url}/dev/outbox?to=${encodeURIComponent(to)}`)
  if (!response.ok) throw new Error(`the outbox answered ${response.status}`)
  return ((await response.json()) as { data: OutboxEntry[] }).data
}

/** Asks for a code and returns the one that this very request sent. */
export async function newestCode(url: string, to: string, ask: () => Promise<unknown>): Promise<string> {
  const codesOf = async (): Promise<string[]> =>
    (await outboxOf(url, to)).flatMap((entry) => entry.data['otp'] ?? [])
  const before = (await codesOf()).length
  await ask()
  const codes = await until(`a code for ${to}`, async () => {
    const all = await codesOf()
    return all.length > before && all
  })
  return (codes as string[])[0] as string
}
