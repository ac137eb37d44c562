/** The last socket frames for the "Frames" panel, with every secret masked before it is kept. */

const FRAMES_MAX = 400
const SECRET_NAME = /token|secret|password|^otp$|^totp$/iu

export function createFrameLog() {
  const listeners = new Set()
  let frames = []
  let paused = false
  let count = 0

  function tell() {
    for (const listener of listeners) listener()
  }

  return {
    get frames() {
      return frames
    },
    get paused() {
      return paused
    },
    add(direction, frame) {
      count += 1
      if (paused) return
      const { event, ...rest } = mask(frame)
      const entry = { key: count, at: new Date(), direction, event: event ?? '(not a frame)', rest }
      frames = [...frames.slice(1 - FRAMES_MAX), entry]
      tell()
    },
    setPaused(value) {
      paused = value
      tell()
    },
    clear() {
      frames = []
      tell()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function mask(value, name = '') {
  if (typeof value === 'string') return SECRET_NAME.test(name) ? '••••••' : value
  if (Array.isArray(value)) return value.map((item) => mask(item, name))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mask(item, key)]))
}
