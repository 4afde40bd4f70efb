import { dirname } from 'node:path'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { type LeaseTimes, standardTimes } from './claim.ts'
import { errorCode, explainStorage } from './connection-errors.ts'
import { createCrew } from './crew.ts'
import { hasSize, makeDirectory, newToken } from './durable.ts'
import { abortError } from './insist.ts'
import { locate } from './locate.ts'
import { ownerOfThis } from './owner.ts'
import { firstLimit } from './pace.ts'
import { allocatedBytes } from './part.ts'
import { blobPath, claimsPath, journalPath, snapshotFilePath } from './paths.ts'
import { matcher } from './patterns.ts'
import { totalBytes, track } from './progress.ts'
import { type Publication, publishSnapshot, tagCache } from './publish.ts'
import { regulate } from './regulate.ts'
import { standardTransfer, type Transfer } from './retry.ts'
import { shareOut } from './share.ts'
import { createSlots } from './slots.ts'
import { sourceOf } from './source.ts'
import { checkAbilities, checkSpace } from './space.ts'
import { sweep } from './sweep.ts'
import type { Hub, Listing, PullProgress, RepoFile, Snapshot } from './types.ts'

/** What to pull, from where, into which cache (an absolute path). */
export type PullJob = {
  readonly hub: Hub
  readonly listing: Listing
  /** Glob patterns of the files wanted; empty means all of them, which is what an engine expects to find. */
  readonly patterns: readonly string[]
  readonly cacheDir: string
  /** Called for every chunk; throttling is the caller's. */
  readonly onProgress?: ((progress: PullProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
  readonly transfer?: Transfer
  readonly times?: LeaseTimes
}

const select = ({ listing, patterns }: PullJob): readonly RepoFile[] => {
  const matches = matcher(patterns)
  const wanted = listing.files.filter((file) => matches(file.path))
  if (wanted.length > 0) return wanted
  const message = `cannot pull '${listing.repo}': none of its ${listing.files.length} files matches ${patterns.join(', ') || 'anything'}`
  throw new Failure(message, { exitCode: exitCodes.config, fix: 'change the patterns, or choose another model' })
}

/** One file per blob: two names with the same bytes are fetched once. */
const distinct = (files: readonly RepoFile[]): readonly RepoFile[] => [...new Map(files.map((file) => [file.etag, file])).values()]

const absent = async ({ cacheDir, listing }: PullJob, files: readonly RepoFile[]): Promise<readonly RepoFile[]> => {
  const present = await Promise.all(files.map((file) => hasSize(blobPath(cacheDir, listing.repo, file.etag), file.bytes)))
  return files.filter((_, index) => !present[index])
}

/** Threads, leases and the number of connections for as long as blobs are missing. */
const fetchMissing = async (job: PullJob, all: readonly RepoFile[], missing: readonly RepoFile[], token: string): Promise<void> => {
  const { hub, listing, cacheDir, transfer = standardTransfer, times = standardTimes, signal } = job
  const progress = track(job.onProgress, all, missing)
  progress.report()
  if (missing.length === 0) return
  const crew = createCrew()
  const slots = createSlots(firstLimit)
  const { throttled: onThrottled, stop } = regulate(slots, crew.fetchedBytes)
  const desk = { directory: claimsPath(cacheDir, listing.repo), token, owner: ownerOfThis() }
  try {
    await shareOut(
      { hub, source: await sourceOf(hub), listing, cacheDir, desk, crew, slots, transfer, times, progress, onThrottled },
      missing,
      signal,
    )
  } finally {
    stop()
    await crew.close()
  }
}

const prepare = async ({ cacheDir, listing }: PullJob, missing: readonly RepoFile[]): Promise<void> => {
  const [first] = missing
  if (first === undefined) return
  const blobs = dirname(blobPath(cacheDir, listing.repo, first.etag))
  const ours = dirname(claimsPath(cacheDir, listing.repo))
  for (const directory of [blobs, claimsPath(cacheDir, listing.repo), dirname(journalPath(cacheDir, listing.repo, first.etag, ''))])
    await makeDirectory(directory)
  await checkAbilities(ours)
  await checkSpace(blobs, totalBytes(missing) - (await allocatedBytes(blobs, missing)), `pull '${listing.repo}'`)
  await tagCache(cacheDir)
}

/** A volume that holds everything already may be read-only: then nothing can be published and nothing has to be. */
const tolerateReadOnly = async ({ cacheDir, listing, wanted }: Publication, error: unknown): Promise<void> => {
  const readOnly = ['EROFS', 'EACCES', 'EPERM'].includes(errorCode(error) ?? '')
  const entries = wanted.map((file) => hasSize(snapshotFilePath(cacheDir, listing.repo, listing.commit, file.path), file.bytes))
  if (!readOnly || (await Promise.all(entries)).includes(false)) throw error
}

const verify = ({ cacheDir, listing, patterns }: PullJob): Snapshot => {
  const snapshot = locate(cacheDir, listing.repo, listing.commit, patterns)
  if (snapshot !== undefined && snapshot.missing.length === 0) return snapshot
  const what = snapshot === undefined ? 'the snapshot' : snapshot.missing.slice(0, 3).join(', ')
  const fix = 'stop what deletes from the cache meanwhile, check the volume, and try again'
  throw new Failure(`cannot use '${listing.repo}': ${what} vanished right after it was stored`, { exitCode: exitCodes.storage, fix })
}

const run = async (job: PullJob): Promise<Snapshot> => {
  const { cacheDir, listing, patterns } = job
  const wanted = select(job)
  const all = distinct(wanted)
  const missing = await absent(job, all)
  const token = newToken()
  await prepare(job, missing)
  await fetchMissing(job, all, missing, token)
  if (job.signal?.aborted) throw abortError(job.signal)
  const publication = { cacheDir, listing, patterns, wanted, token }
  if (missing.length > 0) await publishSnapshot(publication)
  else await publishSnapshot(publication).catch((error: unknown) => tolerateReadOnly(publication, error))
  const snapshot = verify(job)
  await sweep(cacheDir, listing, all)
  return snapshot
}

/**
 * Brings a listing's files into the cache and publishes the snapshot; what is there already is not fetched again. Every blob is
 * verified before it gets its name, and the ref is written last. Processes that pull into one volume share the work; what one leaves
 * unfinished the next goes on with. Throws a Failure (74 storage, 75 hub
 * or wrong bytes, 77, 78) or an AbortError.
 */
export const pull = async (job: PullJob): Promise<Snapshot> => {
  try {
    return await run(job)
  } catch (error) {
    if (job.signal?.aborted) throw abortError(job.signal)
    throw explainStorage(error, `store '${job.listing.repo}' in ${job.cacheDir}`)
  }
}
