/**
 * Messages own what is said: sending, reading back, receipts, and what happens to a message later. Promises: an answered
 * send is stored by a majority, once per clientMessageId, at a place without gaps; a reader sees what lies in his
 * intervals and nothing else; every change of a message takes a revision, and repeating it takes none.
 */
export { sendMessage } from './send.ts'
