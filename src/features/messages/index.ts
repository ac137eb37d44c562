/**
 * Messages own what is said: sending, reading back, receipts. Promises: an answered send is stored by a majority, once
 * per clientMessageId, at a place without gaps; a reader sees what lies in his intervals and nothing else.
 */
export { sendMessage } from './send.ts'
