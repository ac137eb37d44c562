// Loaded into a server node before anything else: its connections to the stores go through this node's own links, and
// its wall clock can be moved from outside. The product's code knows of neither.
import { Socket } from 'node:net'

const routes = JSON.parse(process.env.TORTURE_ROUTES ?? '{}')
const connect = Socket.prototype.connect

/** Replica set members keep their true addresses in the set's configuration; only the last step is led elsewhere. */
Socket.prototype.connect = function (...args) {
  // net.connect passes its arguments as one array, already in order; a socket's own connect takes them as given.
  const [first, second] = Array.isArray(args[0]) ? args[0] : args
  const options = typeof first === 'object' && first !== null ? first : { port: Number(first) }
  const port = routes[options.port]
  if (port === undefined) return connect.apply(this, args)
  const callback = [second, ...args].find((arg) => typeof arg === 'function')
  return connect.call(this, { ...options, port, host: '127.0.0.1' }, callback)
}

const RealDate = Date
const now = RealDate.now
let offsetMs = 0
const read = () => now() + offsetMs

RealDate.now = read
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, type) => Reflect.construct(target, args.length === 0 ? [read()] : args, type),
  apply: () => new RealDate(read()).toString(),
})
// What compares a value's constructor with Date has to go on finding them alike.
RealDate.prototype.constructor = globalThis.Date

process.on('message', (message) => {
  if (typeof message?.clockOffsetMs === 'number') offsetMs = message.clockOffsetMs
})
// The channel alone must not keep a node alive that was asked to end.
process.channel?.unref()
