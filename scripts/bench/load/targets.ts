// The two things that take the load: a Parley server through the public socket, and the bare relay.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { Link } from '../../../src/client/link.ts'
import type { Message } from '../../../src/client/model.ts'
import { nodeOf, textOf, type Order, type TargetPlan, type Workload } from '../plan.ts'
import type { Tracker } from './tracker.ts'

export type Target = { sockets: number; send: (lane: number, number: number) => void; close: () => void }

export async function connect(order: Order, tracker: Tracker): Promise<Target> {
  const { target, workload } = order
  return target.kind === 'parley'
    ? await connectParley(target, workload, tracker)
    : await connectRelay(target, workload, tracker)
}

const senderOf = (workload: Workload, lane: number): number => (workload.shape === 'pairs' ? lane * 2 : 0)

/** How many connect at once; more only makes the handshakes wait for each other. */
const CONNECT_WIDTH = 16

const RECEIPT_EVERY = 64

/** The head of a frame between 126 bytes and 64 KiB; a client's carries a mask. */
const SERVER_HEADER_BYTES = 4
const CLIENT_HEADER_BYTES = 8

async function connectParley(
  plan: TargetPlan & { kind: 'parley' },
  workload: Workload,
  tracker: Tracker,
): Promise<Target> {
  const links: Link[] = []
  // Workloads share chats; without a tag the second one's messages would be repeats of the first one's.
  const tag = randomUUID().slice(0, 8)
  for (let from = 0; from < plan.people.length; from += CONNECT_WIDTH) {
    const batch = plan.people.slice(from, from + CONNECT_WIDTH)
    const opening = batch.map((person, i) => {
      const url = plan.urls[nodeOf(from + i, plan.urls.length)] ?? ''
      return openLink({ url, token: person.token, withReceipts: plan.withReceipts }, tracker)
    })
    links.push(...(await Promise.all(opening)))
  }
  return {
    sockets: links.length,
    send: (lane, number) => {
      const id = `${lane}.${number}`
      const clientMessageId = `${tag}.${id}`
      const data = {
        chatId: plan.chatIds[lane],
        clientMessageId,
        content: textOf(lane, number, workload.bytes),
      }
      const text = JSON.stringify({ event: 'message:send', id, data })
      tracker.wrote(text.length + CLIENT_HEADER_BYTES)
      links[senderOf(workload, lane)]?.sendText(text)
    },
    close: () => links.forEach((link) => link.terminate()),
  }
}

async function openLink(
  to: { url: string; token: string; withReceipts: boolean },
  tracker: Tracker,
): Promise<Link> {
  let unacked = 0
  const acknowledge = (text: string): void => {
    unacked += 1
    if (unacked < RECEIPT_EVERY) return
    unacked = 0
    const cursor = (JSON.parse(text) as { cursor: string }).cursor
    link.notify('sync:ack', { cursor })
  }
  const { link } = await Link.open({
    url: to.url,
    token: to.token,
    silenceMs: 0,
    // Frames whose keys come in another order than the scan below expects.
    onFrame: (frame) => {
      if (frame.event === 'ack') note(`${frame.id}`, 0, '.', (lane, n) => tracker.acked(lane, n))
      if (frame.event === 'error:general') note(`${frame.id}`, 0, '.', (lane, n) => tracker.refused(lane, n))
      if (frame.event !== 'message:received') return
      const message = frame.data?.['message'] as Message | undefined
      note(message?.content ?? '', 0, '|', (lane, n) => tracker.received(lane, n))
    },
    onRaw: (raw) => {
      tracker.read(raw.length + SERVER_HEADER_BYTES)
      const text = raw.toString('latin1')
      if (text.startsWith('{"event":"message:received"')) {
        note(text, text.indexOf('"content":"') + 11, '|', (lane, number) => tracker.received(lane, number))
        if (to.withReceipts) acknowledge(text)
        return true
      }
      if (text.startsWith('{"event":"ack"')) {
        note(text, text.indexOf('"id":"') + 6, '.', (lane, number) => tracker.acked(lane, number))
        return true
      }
      if (text.startsWith('{"event":"error:general"')) {
        note(text, text.indexOf('"id":"') + 6, '.', (lane, number) => tracker.refused(lane, number))
        return true
      }
      return false
    },
  })
  return link
}

// Scanning instead of parsing: with 255 recipients a full parse of every frame would measure the generator.
function note(
  text: string,
  from: number,
  separator: string,
  found: (lane: number, number: number) => void,
): void {
  const middle = text.indexOf(separator, from)
  found(Number(text.slice(from, middle)), Number.parseInt(text.slice(middle + 1, middle + 12), 10))
}

type RelayFrame = { ack: string } | { text: string }

async function connectRelay(
  plan: TargetPlan & { kind: 'relay' },
  workload: Workload,
  tracker: Tracker,
): Promise<Target> {
  const sockets: WebSocket[] = []
  for (let person = 0; person < workload.people; person += 1) {
    const socket = new WebSocket(`${plan.url}/?name=p${person}`, { perMessageDeflate: false })
    socket.on('message', (raw: Buffer) => {
      const frame = JSON.parse(raw.toString()) as RelayFrame
      if ('ack' in frame) note(frame.ack, 0, '.', (lane, number) => tracker.acked(lane, number))
      else note(frame.text, 0, '|', (lane, number) => tracker.received(lane, number))
    })
    sockets.push(socket)
    await once(socket, 'open')
  }
  return {
    sockets: sockets.length,
    send: (lane, number) => {
      const sender = senderOf(workload, lane)
      const to = workload.shape === 'pairs' ? `p${sender + 1}` : '*'
      const frame = { to, id: `${lane}.${number}`, text: textOf(lane, number, workload.bytes) }
      sockets[sender]?.send(JSON.stringify(frame))
    },
    close: () => sockets.forEach((socket) => socket.terminate()),
  }
}
