import type { Message } from '../../../src/client/model.ts'

/** What a message is now, as one text: two devices that agree on it agree on the message. */
export function stateOf(message: Message): string {
  const { type, senderId, content, isDeleted, isEdited, reactions } = message
  const given =
    reactions === null || reactions.length === 0
      ? ''
      : reactions
          .map(({ emoji, count, mine }) => `${emoji}${count}${mine ? '*' : ''}`)
          .sort()
          .join(' ')
  return `${type}|${senderId ?? ''}|${content ?? ''}|${isDeleted ? 'deleted' : ''}|${isEdited ? 'edited' : ''}|${given}`
}
