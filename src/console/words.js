/** How things are said: names, times, previews and system messages, all as plain text. */

const TIME = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: 'long' })
const DATE = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' })
const SHORT_DATE = new Intl.DateTimeFormat(undefined, { day: '2-digit', month: '2-digit', year: '2-digit' })
const DAY_MS = 86_400_000

const TYPE_WORDS = {
  image: 'Photo',
  video: 'Video',
  audio: 'Voice message',
  file: 'File',
  location: 'Location',
  contact: 'Contact',
  sticker: 'Sticker',
  gif: 'GIF',
  poll: 'Poll',
  call: 'Call',
  encrypted: 'An encrypted message that this tab has no key for',
}

export const timeOfDay = (at) => TIME.format(new Date(at))

/** "Today", "Yesterday", a weekday within a week, else the date. */
export function dayName(at, now = new Date()) {
  const days = daysBetween(new Date(at), now)
  if (days === 0) return 'Today'
  if (days === 1) return 'Yesterday'
  return days > 1 && days < 7 ? WEEKDAY.format(new Date(at)) : DATE.format(new Date(at))
}

/** The time in the chat list: the hour today, the day within a week, else the date. */
export function listTime(at, now = new Date()) {
  const days = daysBetween(new Date(at), now)
  if (days === 0) return timeOfDay(at)
  return days < 7 ? dayName(at, now) : SHORT_DATE.format(new Date(at))
}

/** "online", "last seen today at 10:12", or nothing where the person hides it. */
export function presenceWords(user, now = new Date()) {
  if (user?.isOnline === true) return 'online'
  if (!user?.lastSeen) return ''
  if (now - new Date(user.lastSeen) < 60_000) return 'last seen just now'
  const day = dayName(user.lastSeen, now)
  const when = day === 'Today' || day === 'Yesterday' ? day.toLowerCase() : day
  return `last seen ${when} at ${timeOfDay(user.lastSeen)}`
}

/** Whom a direct chat is with; the own id in a notes chat, null while its members are not known yet. */
export function otherMember(chat, meId) {
  if (chat.type !== 'direct' || chat.participants === undefined) return null
  return (chat.participants.find(({ userId }) => userId !== meId) ?? { userId: meId }).userId
}

/** A person's name as this viewer may see it. */
export function personName(state, userId) {
  if (userId === state.me?.id) return 'You'
  const user = state.users[userId]
  return user?.fullName ?? user?.username ?? 'Someone'
}

export const firstName = (state, userId) => personName(state, userId).split(' ')[0]

/** The title of a chat. */
export function chatName(state, chat) {
  if (chat.type !== 'direct') return chat.name ?? 'Group'
  const other = otherMember(chat, state.me?.id)
  if (other === state.me?.id) return 'Notes to yourself'
  return other === null || state.users[other] === undefined ? '…' : personName(state, other)
}

/** One line for a message, as lists and quotes show it. */
export function previewWords(state, { type, preview, content, senderId, isDeleted, system }) {
  if (isDeleted) return 'This message was deleted'
  if (type === 'system')
    return system ? systemWords(state, { senderId, system }) : (preview ?? 'The group changed')
  if (type === 'text') return preview ?? content ?? ''
  const word = TYPE_WORDS[type] ?? 'Message'
  const caption = preview ?? content
  return caption && type !== 'encrypted' && type !== 'call' ? `${word}: ${caption}` : word
}

/** "Missed video call", "Voice call, 2 min": what a finished call leaves in its chat. */
export function callWords(callData) {
  const kind = callData?.mediaType === 'video' ? 'video call' : 'voice call'
  if (callData?.status === 'missed') return `Missed ${kind}`
  if (callData?.status === 'rejected') return `Declined ${kind}`
  const seconds = callData?.duration ?? 0
  const length = seconds >= 60 ? `, ${Math.round(seconds / 60)} min` : seconds > 0 ? `, ${seconds} s` : ''
  return `${kind[0].toUpperCase()}${kind.slice(1)}${length}`
}

/** A change of the group as a sentence. */
export function systemWords(state, { senderId, system }) {
  const actor = personName(state, senderId)
  const people = (system?.userIds ?? []).map((userId) => personName(state, userId))
  const whom =
    people.length === 0 ? 'someone' : listWords(people.map((name) => (name === 'You' ? 'you' : name)))
  switch (system?.kind) {
    case 'group_created':
      return `${actor} created the group`
    case 'member_joined':
      return `${actor} joined`
    case 'member_added':
      return `${actor} added ${whom}`
    case 'member_left':
      return `${actor} left`
    case 'member_removed':
      return `${actor} removed ${whom}`
    case 'role_changed':
      return system.role ? `${actor} made ${whom} ${system.role}` : `${actor} changed the role of ${whom}`
    case 'info_changed':
      return `${actor} changed the group's details`
    case 'settings_changed':
      return `${actor} changed the group's settings`
    default:
      return 'The group changed'
  }
}

/** "Ann", "Ann and Bo", "Ann, Bo and Cy". */
export function listWords(names) {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

export const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`

function daysBetween(from, to) {
  const start = new Date(from.getFullYear(), from.getMonth(), from.getDate())
  const end = new Date(to.getFullYear(), to.getMonth(), to.getDate())
  return Math.round((end - start) / DAY_MS)
}
