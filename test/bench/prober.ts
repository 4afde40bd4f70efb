/**
 * Asks a URL many times a second, in a process of its own because whatever else runs beside it would be measured too: `fork(prober, [URL,
 * TIMES A SECOND])`. Sends `calm` when the last hundred answers came in time (what is loaded after the first ones is loaded by then), and
 * forgets what was before; told anything, it sends the milliseconds of all answers since, sorted, and ends.
 */
import { connect, type Socket } from 'node:net'

const { hostname, port, pathname } = new URL(process.argv[2] ?? '')
const perSecond = Number(process.argv[3])
const request = `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`
/** An answer within so many milliseconds came in time. */
const quickMs = 20

const times: number[] = []
const idle: Channel[] = []
let calm = false

/** A kept connection with at most one request on it. */
type Channel = { readonly socket: Socket; at: number }

const take = (ms: number): void => {
  times.push(ms)
  if (calm || times.length < 100) return
  calm = times.slice(-100).every((time) => time < quickMs)
  if (!calm) return
  times.length = 0
  process.send?.('calm')
}

// On a bare socket with a buffer of its own: an HTTP client takes the machine away from what it measures.
const open = (): Channel => {
  const onread = {
    buffer: Buffer.alloc(4096),
    callback: () => {
      take(performance.now() - channel.at)
      idle.push(channel)
      return true
    },
  }
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread })
  socket.on('error', () => take(Number.POSITIVE_INFINITY))
  const channel: Channel = { socket, at: 0 }
  return channel
}

const begin = performance.now()
let sent = 0
// Each at its own time, whatever became of those before.
setInterval(() => {
  for (const due = ((performance.now() - begin) * perSecond) / 1000; sent < due; sent++) {
    const channel = idle.pop() ?? open()
    channel.at = performance.now()
    channel.socket.write(request)
  }
}, 1)
process.on('message', () => {
  process.send?.(
    times.toSorted((a, b) => a - b),
    () => process.exit(),
  )
})
