/** Every size and time limit of the public doors in one place; rate limits are in stores/rate-limits.ts. */

export const LIMITS = {
  jsonBodyBytes: 1024 * 1024,
  frameBytes: 64 * 1024,
  jsonDepth: 32,
  headerBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  /** A socket that has not signed in by then is closed with 4401. */
  socketAuthMs: 10_000,
  /** Sockets of a node that have not signed in; beyond it an upgrade is refused with 503. */
  socketsSigningInMax: 2000,
  signInsAtOnce: 64,
  /** A sign-in that would wait longer for its turn is sent away with 1012. */
  signInWaitMs: 3000,
  /** Frames of one socket that are being worked on; beyond it nothing more is read from it for the moment. */
  framesAtOnce: 64,
  /** Bytes waiting for a slow reader before it is closed with 4408; more than one part of a backlog (delivery/feeds.ts). */
  socketBufferBytes: 640 * 1024,
  /** More frames a second than this for `frameRateSeconds` closes with 4429. */
  framesPerSecond: 200,
  frameRateSeconds: 5,
  socketPingMs: 30_000,
  shutdownMs: 10_000,
  /** Every call to a store ends within this, so that a refusal reaches the client within 5 s. */
  storeTimeoutMs: 3_500,
  /** Calls and their repeats add up: reads, sends and changes of messages that are not done by then are refused retryably. */
  answerMs: 4_400,
  pageDefault: 50,
  pageMax: 100,
  messagePageDefault: 25,
  messagePageMax: 50,
  messageCharacters: 4096,
  previewCharacters: 100,
  /** Each edit keeps the text that it replaced, and all of them lie in one document. */
  editsPerMessage: 100,
  emojiBytes: 32,
  emojiPerMessage: 20,
  syncPageMax: 200,
  presenceSubscriptions: 500,
  presenceSeconds: 300,
  typingMs: 3000,
  pinnedChats: 100,
} as const
