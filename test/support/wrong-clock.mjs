// Preloaded into a server: its wall clock is off by CLOCK_OFF_MS, as on a machine that nobody set.
const offMs = Number(process.env.CLOCK_OFF_MS ?? 0)
const RealDate = globalThis.Date

globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RealDate.now() + offMs] : args))
  }

  static now() {
    return RealDate.now() + offMs
  }
}
