/** Which chat is open is part of the address, so that the browser's Back button leads to the list. */

const CHAT_HASH = /^#\/chat\/([\w-]{1,40})$/u

export const chatInAddress = () => CHAT_HASH.exec(location.hash)?.[1] ?? null

export function showChat(chatId) {
  location.hash = chatId === null ? '#/' : `#/chat/${chatId}`
}
