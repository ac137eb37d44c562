// Requests that are no part of a device's ordinary way of sending, with the record of their answers.
import { ApiError } from '../../../src/client/api-error.ts'
import type { Message } from '../../../src/client/model.ts'
import type { Play } from '../history/operation.ts'
import type { Device, Stage } from './device.ts'

const TOKEN_TIMEOUT_MS = 5_000

/** Sends a message by REST until there is an answer. With `turn` 1 it leaves by another door than the device is at. */
export async function post(
  { history }: Stage,
  device: Device,
  room: { id: string; name: string },
  { clientId, content }: { clientId: string; content: string },
  play: Play,
  turn: number,
): Promise<void> {
  const base = { device: device.name, chat: room.name, clientId, play }
  const body = { clientMessageId: clientId, content }
  try {
    const message = await device.persist(async () => {
      if (turn === 1) device.rotate()
      return await device.client.post<Message>(`/api/chats/${room.id}/messages`, body)
    })
    if (message === null) return
    history.record({ kind: 'acked', at: history.now(), ...base, seq: message.seq, id: message.id })
  } catch (err) {
    if (err instanceof ApiError) device.refused(room.name, clientId, err, play)
  }
}

/** Tries a token at a door; status 0 where nobody answers. */
export async function tryToken(
  { history, doors }: Stage,
  device: Device,
  door: number,
  token: string,
): Promise<void> {
  const headers = { authorization: `Bearer ${token}` }
  const signal = AbortSignal.timeout(TOKEN_TIMEOUT_MS)
  let status = 0
  try {
    const response = await fetch(new URL('/api/users/me', doors[door]), { headers, signal })
    await response.arrayBuffer()
    status = response.status
  } catch {
    // No answer is no way in either.
  }
  history.record({ kind: 'token', at: history.now(), device: device.name, door, status })
}
