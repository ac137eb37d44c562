/** Who acts: a signed-in device. A verb never receives a bare user id to act as. */
export interface DeviceActor {
  readonly userId: string
  readonly deviceId: string
  readonly sessionId: string
}
