/**
 * Edge: all missing blobs, shared out among the processes that pull into one volume. Each blob is fetched by who holds its lease; the others
 * look now and then whether it is published, and take over from a holder that is dead.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { type Filled, fillPart } from './blob.ts'
import { isStale, type LeaseTimes, look, type Watch } from './claim.ts'
import { errorCode } from './connection-errors.ts'
import { type Crew, FenceDown } from './crew.ts'
import { wrongBytes } from './download.ts'
import { hasSize, isHidden } from './durable.ts'
import { inParallel } from './in-parallel.ts'
import { abortError, insist } from './insist.ts'
import { checkpointBytes } from './journal.ts'
import { breakLease, type Desk, isAbandoned, type Lease, readLease, takeLease } from './lease.ts'
import { isDead } from './owner.ts'
import { openPart, type Part } from './part.ts'
import { blobPath } from './paths.ts'
import type { Track } from './progress.ts'
import type { Transfer } from './retry.ts'
import type { Slots } from './slots.ts'
import { spanBytes } from './spans.ts'
import type { Hub, Listing, RepoFile, Source } from './types.ts'

/** Where and how blobs are fetched. */
export type Site = {
  readonly hub: Hub
  readonly source: Source
  readonly listing: Listing
  readonly cacheDir: string
  readonly desk: Desk
  readonly crew: Crew
  readonly slots: Slots
  readonly transfer: Transfer
  readonly times: LeaseTimes
  readonly progress: Track
  readonly onThrottled: () => void
}

/** A blob that nobody has published yet, what was seen of its holder, and when to look again. `hiddenMs`: since when it is known to be there, though not to be seen. */
type Item = {
  readonly file: RepoFile
  readonly watch?: Watch | undefined
  readonly tries: number
  readonly dueMs: number
  readonly hiddenMs?: number
}

/** Blobs that one process holds at once: enough to fill the connections, few enough to leave some to the others. */
const blobsAtOnce = 4
/** Times that a part may be taken from under us before something else must be wrong. */
const triesAtMost = 20

const isPublished = ({ cacheDir, listing }: Site, file: RepoFile): Promise<boolean> =>
  hasSize(blobPath(cacheDir, listing.repo, file.etag), file.bytes)

/** Ends with what the lease says: kept beating, the fence up, until `work` is done; `lost` aborts when another took it. */
const whileHeld = async (
  { crew, times }: Site,
  lease: Lease,
  fence: number,
  work: (lost: AbortSignal, beat: (bytesDone: number) => void) => Promise<void>,
): Promise<void> => {
  const lost = new AbortController()
  let bytesDone = 0
  const raise = (): void => crew.fence(fence, times.staleMs / 2)
  const beat = async (): Promise<void> => {
    const held = await lease.beat(bytesDone)
    if (held === true) raise()
    if (held === false) lost.abort()
  }
  raise()
  const timer = setInterval(() => void beat(), times.beatMs)
  try {
    await work(lost.signal, (bytes) => {
      bytesDone = bytes
    })
  } finally {
    clearInterval(timer)
    crew.fence(fence, 0)
    await lease.release()
  }
}

/** How one try at a blob went; `again` is for a part or lease that another has taken meanwhile. */
type Outcome = 'published' | 'wrong' | 'again'

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error

/** What is left of a part that did not become whole: kept for who goes on with it, unless the volume is to blame or it is hardly begun. */
const putAway = async ({ transfer }: Site, file: RepoFile, part: Part, { spans, error }: Filled): Promise<void> => {
  const worth = file.bytes >= transfer.wholeBelowBytes && spanBytes(spans) >= checkpointBytes(file.bytes)
  if (error !== undefined && !isSystemError(error) && worth) await part.keep(spans).catch(() => part.discard())
  else await part.discard()
}

/** Right bytes under their name. Those that cannot get it are of no use to who comes next: the volume is to blame. */
const publishPart = async (part: Part): Promise<Outcome> => {
  try {
    await part.publish()
    return 'published'
  } catch (error) {
    await part.discard()
    throw error
  }
}

const fillAndPublish = async (
  site: Site,
  file: RepoFile,
  part: Part,
  fence: number,
  stop: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<Outcome> => {
  const { hub, source, listing, crew, slots, transfer, onThrottled } = site
  const { repo, commit } = listing
  const job = { hub, repo, commit, file, address: () => source.address(listing, file), part, crew, slots, fence }
  const filled = await fillPart({ ...job, transfer, patience: insist(transfer, stop), onBytes, onThrottled }, stop)
  if (filled.right) return publishPart(part)
  await putAway(site, file, part, filled)
  if (filled.error === undefined) return 'wrong'
  if (stop.aborted || filled.error instanceof FenceDown) return 'again'
  throw filled.error
}

/** One try, with a part that is closed in any case. What a paused process finds renamed is another's by now. */
const tryBlob = async (
  site: Site,
  file: RepoFile,
  fence: number,
  stop: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<Outcome> => {
  const { cacheDir, listing, desk } = site
  try {
    const part = await openPart({ cacheDir, repo: listing.repo, file, token: desk.token })
    try {
      return await fillAndPublish(site, file, part, fence, stop, onBytes)
    } finally {
      await part.close()
    }
  } catch (error) {
    if (isSystemError(error) && errorCode(error) === 'ENOENT') return 'again'
    throw error
  }
}

/** Fetches a blob whose lease we hold. Wrong bytes are dropped and fetched once more from zero, then it is a Failure (75). */
const fetchBlob = async (site: Site, file: RepoFile, fence: number, stop: AbortSignal, beat: (bytes: number) => void): Promise<boolean> => {
  const onBytes = (bytes: number): void => {
    beat(bytes)
    site.progress.bytes(file, bytes)
  }
  const first = await tryBlob(site, file, fence, stop, onBytes)
  const outcome = first === 'wrong' ? await tryBlob(site, file, fence, stop, onBytes) : first
  if (outcome === 'wrong') throw wrongBytes(file, site.listing.repo)
  if (outcome === 'published') site.progress.file(file)
  else site.progress.bytes(file, 0)
  return outcome === 'published'
}

/** Looks at a blob that another holds; a lease that is stale is broken, and its blob is due at once. */
const watchHolder = async (site: Site, item: Item): Promise<Item> => {
  const { desk, times, progress } = site
  const now = performance.now()
  const text = await readLease(desk, item.file.etag)
  if (text === undefined) return { ...item, dueMs: now }
  const watch = look(item.watch, text, now)
  if (isStale(watch, now, times, isDead) || (await isAbandoned(desk, item.file.etag, text))) {
    await breakLease(desk, item.file.etag, text)
    return { ...item, watch: undefined, dueMs: now }
  }
  progress.bytes(item.file, watch.bytesDone)
  return { ...item, watch, dueMs: now + times.pollMs * (0.5 + Math.random()) }
}

/** Does what can be done for a blob now; what is left to do later, if anything. */
const attend = async (site: Site, item: Item, fence: number, signal: AbortSignal): Promise<Item | undefined> => {
  const { file } = item
  const { desk, progress, times } = site
  if (await isPublished(site, file)) return void progress.file(file)
  const { hiddenMs } = item
  const now = performance.now()
  // A name stays hidden for as long as a client remembers, no longer than the silence that the dead are known by.
  const mayHide = hiddenMs === undefined || now - hiddenMs < times.staleMs
  if (hiddenMs !== undefined && mayHide) return { ...item, dueMs: now + times.pollMs }
  const lease = await takeLease(desk, file.etag)
  if (lease === undefined) return watchHolder(site, item)
  let done = false
  let hidden = false
  await whileHeld(site, lease, fence, async (lost, beat) => {
    // Between the look before and the lease another may have finished.
    hidden = mayHide && (await isHidden(blobPath(site.cacheDir, site.listing.repo, file.etag)))
    if (hidden) return
    done = await isPublished(site, file)
    if (done) return progress.file(file)
    done = await fetchBlob(site, file, fence, AbortSignal.any([signal, lost]), beat)
  })
  if (done) return undefined
  if (hidden) return { ...item, hiddenMs: now, dueMs: now + times.pollMs }
  const tries = item.tries + 1
  if (tries > triesAtMost && !signal.aborted) throw vanishing(site)
  return { file, tries, dueMs: performance.now() + times.pollMs * Math.random() }
}

const vanishing = ({ listing, cacheDir }: Site): Failure =>
  new Failure(`cannot store '${listing.repo}' in ${cacheDir}: what is being written vanishes again and again`, {
    exitCode: exitCodes.storage,
    fix: 'stop what deletes from the cache meanwhile, check the volume, and try again',
  })

/** Takes out the next item that is due. */
const takeDue = (pending: Item[]): Item | undefined => {
  const at = pending.findIndex(({ dueMs }) => dueMs <= performance.now())
  return at === -1 ? undefined : pending.splice(at, 1)[0]
}

/** The same order in every process would have all of them wait for the same lease; each begins elsewhere. */
const rotated = (files: readonly RepoFile[], token: string): readonly RepoFile[] => {
  const start = Number.parseInt(token.slice(0, 8), 16) % Math.max(1, files.length)
  return [...files.slice(start), ...files.slice(0, start)]
}

/** Resolves when every blob is published, whoever did it. The first failure stops the others, which have put away their parts when it throws. */
export const shareOut = async (site: Site, missing: readonly RepoFile[], signal: AbortSignal | undefined): Promise<void> => {
  const pending: Item[] = rotated(missing, site.desk.token).map((file) => ({ file, tries: 0, dueMs: 0 }))
  const fences = Array.from({ length: blobsAtOnce }, (_, fence) => fence)
  await inParallel(fences, blobsAtOnce, signal, async (fence, stop) => {
    while (pending.length > 0 && !stop.aborted) {
      const item = takeDue(pending)
      const later =
        item === undefined
          ? await sleep(site.times.pollMs / 4, undefined, { signal: stop }).catch(() => {})
          : await attend(site, item, fence, stop)
      if (later !== undefined) pending.push(later)
    }
  })
  if (signal?.aborted) throw abortError(signal)
}
