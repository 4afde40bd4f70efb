/** The model's place in the cache: filled before the engine starts, held while it runs. */
import { cacheDirectory, hubOf } from '../config/rooms.ts'
import type { Options } from '../config/variables.ts'
import { systemClock } from '../std/clock.ts'
import { describeReadings, keepReadings, type Reading } from '../std/meter.ts'
import type { FoundModel } from './model.ts'
import { runWorker } from './worker.ts'

/** Between two lines about a pull; milliseconds. */
const pullLineMs = 10_000

/** Says that the model's snapshot is in use until the result is called: nobody may prune what an engine runs on. */
export const holdModel = async (found: FoundModel | undefined, options: Options): Promise<() => Promise<void>> => {
  const artifact = found?.source.artifact
  if (artifact === undefined) return async () => {}
  const { holdSnapshot } = await import('../cache/use.ts')
  return holdSnapshot(cacheDirectory(options), artifact.repo, artifact.commit)
}

/** Fetches what the cache lacks, in the worker; `say` is told how far it is now and then. */
export const pullModel = async (
  found: FoundModel | undefined,
  options: Options,
  signal: AbortSignal,
  onBytes: (done: number, total: number) => void,
  say: (howFar: string) => void,
): Promise<void> => {
  if (found?.listing === undefined) return
  const request = { kind: 'pull', hub: hubOf(options), listing: found.listing, patterns: [], cacheDir: cacheDirectory(options) } as const
  let readings: readonly Reading[] = []
  let saidMs = systemClock.now()
  await runWorker(request, 'pulled', signal, (message) => {
    if (message.kind !== 'progress') return
    const { bytesDone: done, bytes: total } = message.progress
    const ms = systemClock.now()
    readings = keepReadings(readings, { ms, done, total })
    onBytes(done, total)
    if (ms - saidMs < pullLineMs) return
    saidMs = ms
    say(describeReadings(readings))
  })
}
