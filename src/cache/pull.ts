import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { formatBytes } from '../std/bytes.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { fetchBlob } from './blob.ts'
import { errorCode, explainStorage } from './connection-errors.ts'
import { download } from './download.ts'
import { hasSize, makeDirectory, newToken } from './durable.ts'
import { inParallel } from './in-parallel.ts'
import { abortError } from './insist.ts'
import { locate } from './locate.ts'
import { blobPath, snapshotFilePath } from './paths.ts'
import { matcher } from './patterns.ts'
import { totalBytes, track } from './progress.ts'
import { type Publication, publishSnapshot, tagCache } from './publish.ts'
import { standardTransfer, type Transfer } from './retry.ts'
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
}

// More connections do not mean more bytes: on a fast link six were seen to collapse where four held.
const filesAtOnce = 4

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

const checkSpace = async ({ listing }: PullJob, directory: string, needed: number): Promise<void> => {
  const { bavail, frsize, blocks } = await statfs(directory)
  const free = bavail * frsize
  // Some network and FUSE file systems say 0 of 0, which is no answer.
  if (blocks === 0 || needed <= free) return
  const message = `cannot pull '${listing.repo}': ${formatBytes(needed)} are missing and ${directory} has ${formatBytes(free)} free`
  const fix = `free ${formatBytes(needed - free)} there, or mount a larger volume`
  throw new Failure(message, { exitCode: exitCodes.storage, fix })
}

const fetchMissing = async (job: PullJob, all: readonly RepoFile[], missing: readonly RepoFile[], token: string): Promise<void> => {
  const { hub, listing, cacheDir, transfer = standardTransfer } = job
  const progress = track(job.onProgress, all, missing)
  progress.report()
  await inParallel(missing, filesAtOnce, job.signal, async (file, signal) => {
    const chunks = () => download(hub, listing, file, signal, transfer)
    await fetchBlob({ cacheDir, repo: listing.repo, file, token, chunks, onBytes: (bytes) => progress.bytes(file, bytes) })
    progress.file(file)
  })
}

const prepare = async (job: PullJob, missing: readonly RepoFile[]): Promise<void> => {
  const [first] = missing
  if (first === undefined) return
  const blobs = dirname(blobPath(job.cacheDir, job.listing.repo, first.etag))
  await makeDirectory(blobs)
  await checkSpace(job, blobs, totalBytes(missing))
  await tagCache(job.cacheDir)
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
  return verify(job)
}

/**
 * Brings a listing's files into the cache and publishes the snapshot; what is there already is not fetched again. Every blob is
 * verified before it gets its name, the ref is written last, and nothing partial is left behind. Throws a Failure (74 storage, 75 hub
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
