/** How an event stands in a stream: `event[|chat|seq|sender] {json}`, read apart once per fan-out, not per socket. */

export interface MessageMark {
  chatHex: string
  seq: number
  senderId: string
}

/** An event ready to be written to any number of sockets: only the cursor between the halves differs. */
export interface EncodedEvent {
  event: string
  json: string
  head: Buffer
  tail: Buffer
  /** Set for `message:received`: what acknowledging it makes delivered. */
  mark: MessageMark | null
}

export function toPayload(event: string, json: string, mark?: MessageMark): string {
  return mark ? `${event}|${mark.chatHex}|${mark.seq}|${mark.senderId} ${json}` : `${event} ${json}`
}

export function parsePayload(payload: string): EncodedEvent {
  const space = payload.indexOf(' ')
  const [event = '', chatHex = '', seq = '', senderId = ''] = payload.slice(0, space).split('|')
  const json = payload.slice(space + 1)
  return {
    event,
    json,
    head: Buffer.from(`{"event":"${event}","cursor":"`),
    tail: Buffer.from(`","data":${json}}`),
    mark: chatHex === '' ? null : { chatHex, seq: Number(seq), senderId },
  }
}
