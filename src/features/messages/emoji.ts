/** What counts as one emoji: Unicode's own grammar (UTS #51, possible emoji), so that emoji of later versions pass. */
const ELEMENT = String.raw`\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})?`
/** Flags of regions like Scotland are a black flag and tags. */
const TAGS = String.raw`(?:[\u{E0020}-\u{E007E}]{1,6}\u{E007F})?`
const FLAG = String.raw`\p{Regional_Indicator}{2}`
const KEYCAP = String.raw`[0-9#*]\uFE0F?\u20E3`
const EMOJI = new RegExp(`^(?:${ELEMENT}(?:\\u200D${ELEMENT})*${TAGS}|${FLAG}|${KEYCAP})$`, 'u')

export const isEmoji = (text: string): boolean => EMOJI.test(text)

/** The same sign comes with a variation selector from one keyboard and without it from another. */
export const isSameEmoji = (one: string, other: string): boolean => bare(one) === bare(other)

const bare = (emoji: string) => emoji.replaceAll('\uFE0F', '')
