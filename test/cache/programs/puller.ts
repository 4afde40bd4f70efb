/**
 * One process that pulls `org/m`: `node puller.ts ENDPOINT CACHE [SETTINGS]`, with settings as JSON. Prints a line for each progress and the
 * snapshot's path at the end. `killAt` ends it by SIGKILL right before its n-th call that changes the file system.
 */
import type { LeaseTimes } from '../../../src/cache/claim.ts'
import { dieAt } from './die-at.ts'

/** What a test may set. */
export type Settings = { readonly times?: LeaseTimes; readonly killAt?: number; readonly bytesAtOnce?: number }

const [endpoint = '', cacheDir = '', settings = '{}'] = process.argv.slice(2)
const { times, killAt, bytesAtOnce = 16 * 1024 ** 2 } = JSON.parse(settings) as Settings
const steps = dieAt(killAt)
const { listRepo } = await import('../../../src/cache/hub.ts')
const { pull } = await import('../../../src/cache/pull.ts')
const { standardTransfer } = await import('../../../src/cache/retry.ts')

const abort = new AbortController()
process.once('SIGTERM', () => abort.abort())
const hub = { endpoint, token: 'hf_valid' }
const transfer = { ...standardTransfer, baseMs: 50, rangeBytes: bytesAtOnce }
const snapshot = await pull({
  hub,
  listing: await listRepo(hub, 'org/m', 'main', abort.signal, transfer),
  patterns: [],
  cacheDir,
  transfer,
  signal: abort.signal,
  ...(times && { times }),
  onProgress: ({ bytesDone, bytes }) => process.stdout.write(`${bytesDone} of ${bytes}\n`),
})
process.stdout.write(`${snapshot.path}\n${steps()} steps\n`)
