/** From one stored event to every socket. Publishing is a hint, the log is the truth; order comes from the streams. */
export interface DurableEvent {
  event: string
  data: unknown
}

export interface Delivery {
  /**
   * Tells users something durable that belongs to no chat's log (a session ended, a profile changed).
   * Best effort and idempotent for the clients; resolves when Redis has it or has refused it.
   */
  notifyUsers(userIds: readonly string[], event: DurableEvent): Promise<void>
  /** Closes the sockets of ended sessions with 4409 here, and tells the other nodes to do so. */
  endSessions(sessionIds: readonly string[]): Promise<void>
}
