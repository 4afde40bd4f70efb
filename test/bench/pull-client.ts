/** One pull of `org/m`, measured from within: `node pull-client.ts ENDPOINT CACHE` prints one line of JSON. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { listRepo } from '../../src/cache/hub.ts'
import { pull } from '../../src/cache/pull.ts'

/** What a pull says of itself: milliseconds, and the event loop's delay beyond its resolution; peak bytes of the whole process. */
export type PullFigures = { readonly ms: number; readonly delayMs: number; readonly mostDelayMs: number; readonly peakBytes: number }

const [endpoint = '', cacheDir = ''] = process.argv.slice(2)
const delay = monitorEventLoopDelay({ resolution: 1 })
const begin = performance.now()
const hub = { endpoint }
const listing = await listRepo(hub, 'org/m', 'main')
delay.enable()
await pull({ hub, listing, patterns: [], cacheDir })
delay.disable()
const figures: PullFigures = {
  ms: performance.now() - begin,
  delayMs: delay.percentile(99.9) / 1e6,
  mostDelayMs: delay.max / 1e6,
  peakBytes: process.resourceUsage().maxRSS * 1024,
}
process.stdout.write(`${JSON.stringify(figures)}\n`)
