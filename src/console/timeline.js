/** What this tab holds of one chat's messages: by `seq`, with the places that are known to be empty for this viewer. */

export const EMPTY_TIMELINE = { bySeq: {}, closed: [], reachedStart: false, loaded: false }

const STATUS_RANK = { sent: 0, delivered: 1, read: 2 }

/** Adds messages. An older revision never replaces a newer one, and ticks never go backwards. */
export function mergeMessages(timeline, messages) {
  if (messages.length === 0) return timeline
  const bySeq = { ...timeline.bySeq }
  for (const message of messages) {
    const known = bySeq[message.seq]
    if (known === undefined) {
      bySeq[message.seq] = message
      continue
    }
    const newer = (known.rev ?? 0) > (message.rev ?? 0) ? known : message
    bySeq[message.seq] = { ...newer, status: laterStatus(known.status, message.status) }
  }
  return { ...timeline, bySeq }
}

/** Adds a page that answers for every place between `from` and `to` (both included). */
export function mergePage(timeline, { messages, from, to, reachedStart }) {
  const merged = mergeMessages(timeline, messages)
  const closed = from <= to ? [...merged.closed, ...emptyPlaces(messages, from, to)] : merged.closed
  return { ...merged, closed, reachedStart: merged.reachedStart || reachedStart === true, loaded: true }
}

/** Moves the ticks of one person's own messages up to a place; marks only move forward. */
export function raiseStatus(timeline, { senderId, upToSeq, status }) {
  let changed = false
  const bySeq = { ...timeline.bySeq }
  for (const message of Object.values(bySeq)) {
    if (message.senderId !== senderId || message.seq > upToSeq) continue
    const raised = laterStatus(message.status, status)
    if (raised === message.status) continue
    bySeq[message.seq] = { ...message, status: raised }
    changed = true
  }
  return changed ? { ...timeline, bySeq } : timeline
}

/** Changes one message where it is held; `change` gets the message and returns the new one. */
export function changeMessage(timeline, messageId, change) {
  const message = Object.values(timeline.bySeq).find((one) => one.id === messageId)
  if (message === undefined) return timeline
  return { ...timeline, bySeq: { ...timeline.bySeq, [message.seq]: change(message) } }
}

/** All held messages in the order everyone sees. */
export function inOrder(timeline) {
  return Object.values(timeline.bySeq).sort((a, b) => a.seq - b.seq)
}

/** The first stretch `{after, before}` of unseen places between held messages or below the chat's head, or null. */
export function firstGap(timeline, lastSeq) {
  const seqs = Object.keys(timeline.bySeq)
    .map(Number)
    .sort((a, b) => a - b)
  if (seqs.length === 0) return null
  for (let index = 0; index < seqs.length; index += 1) {
    const next = index + 1 < seqs.length ? seqs[index + 1] : lastSeq + 1
    const firstMissing = skipClosed(timeline.closed, seqs[index] + 1)
    if (firstMissing < next) return { after: firstMissing - 1, before: next }
  }
  return null
}

function skipClosed(closed, seq) {
  let place = seq
  for (let moved = true; moved;) {
    moved = false
    for (const [from, to] of closed) {
      if (place < from || place > to) continue
      place = to + 1
      moved = true
    }
  }
  return place
}

function emptyPlaces(messages, from, to) {
  const places = []
  let next = from
  for (const { seq } of [...messages].sort((a, b) => a.seq - b.seq)) {
    if (seq < from || seq > to) continue
    if (seq > next) places.push([next, seq - 1])
    next = seq + 1
  }
  if (next <= to) places.push([next, to])
  return places
}

function laterStatus(a, b) {
  return (STATUS_RANK[b] ?? -1) >= (STATUS_RANK[a] ?? -1) ? b : a
}
