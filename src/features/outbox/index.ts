/**
 * The outbox owns how messages leave the service (codes by SMS or voice, later e-mail), behind `MessageSender`. In
 * development they go to a table that all nodes share and `GET /dev/outbox` shows; in production nothing is kept, and without
 * a real provider nothing is sent: callers get SERVICE_UNAVAILABLE instead of a message that never comes.
 */
export { openMessageSender, type MessageSender, type OutgoingMessage } from './sender.ts'
