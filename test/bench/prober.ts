/**
 * Asks a URL many times a second, in a process of its own because whatever else runs beside it would be measured too: `fork(prober, [URL,
 * TIMES A SECOND])`. Sends `calm` when the last hundred of at least 3,000 answers came in time (what is loaded after the first ones is loaded
 * by then, and what runs often is compiled), and forgets what was before; told anything, it sends `Probes` of all since and ends.
 */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

const { hostname, port, pathname } = new URL(process.argv[2] ?? '')
const perSecond = Number(process.argv[3])
const request = `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`
/** Answers after which a server is warm. */
const enough = 3000
/** An answer within so many milliseconds came in time. */
const quickMs = 20

/** Milliseconds of the answers, sorted, and the part of the machine's time that its host gave to others meanwhile (proc_stat(5), `steal`). */
export type Probes = { readonly times: readonly number[]; readonly stolen: number }

const times: number[] = []
const idle: Channel[] = []
let calm = false

/** A kept connection with at most one request on it. */
type Channel = { readonly socket: Socket; at: number }

const clocks = (): readonly number[] => (/^cpu +(.*)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '').split(' ').map(Number)
let before = clocks()

/** user, nice, system, idle, iowait, irq, softirq, steal; what guests take is counted in the first two. */
const stolenSince = (from: readonly number[]): number => {
  const passed = clocks().map((ticks, index) => ticks - (from[index] ?? 0))
  return (passed[7] ?? 0) / passed.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0)
}

const take = (ms: number): void => {
  times.push(ms)
  if (calm || times.length < enough) return
  calm = times.slice(-100).every((time) => time < quickMs)
  if (!calm) return
  times.length = 0
  before = clocks()
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
  process.send?.({ times: times.toSorted((a, b) => a - b), stolen: stolenSince(before) } satisfies Probes, () => process.exit())
})
