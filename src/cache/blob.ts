import { type Crew, FenceDown, type Hashing } from './crew.ts'
import { isRight } from './digest.ts'
import { type Insistence, Interruption } from './insist.ts'
import { checkpointBytes } from './journal.ts'
import type { Part } from './part.ts'
import { rangeBytes } from './range.ts'
import type { Transfer } from './retry.ts'
import type { Slots } from './slots.ts'
import { addSpan, frontierOf, nextGap, type Span, spanBytes } from './spans.ts'
import type { Resolved } from './thread-protocol.ts'
import type { Address, Hub, RepoFile } from './types.ts'

/** One blob to fetch into a part that we hold. */
export type BlobJob = {
  readonly hub: Hub
  readonly repo: string
  readonly commit: string
  readonly file: RepoFile
  /** Where the file is asked for, before redirects; asked anew for each span whose bytes are not found yet. */
  readonly address: () => Promise<Address>
  readonly part: Part
  readonly crew: Crew
  readonly slots: Slots
  readonly fence: number
  readonly transfer: Transfer
  /** Decides after each failed try. */
  readonly patience: Insistence
  /** Told the bytes that are there, each time they are more. */
  readonly onBytes: (bytes: number) => void
  /** Told that the server wants fewer connections. */
  readonly onThrottled: () => void
}

/** What a blob's spans are at one moment. */
type Fill = {
  done: readonly Span[]
  reserved: readonly Span[]
  /** Bytes when the journal was last written. */
  noted: number
  note: Promise<void> | undefined
  sync: Promise<void> | undefined
  /** What a sync failed with: a kernel tells it once, so the last sync before publishing would not. */
  broken?: unknown
  resolved: Resolved | undefined
  /** The server gives only whole files: one connection, to the end. */
  unranged: boolean
}

const isRanged = ({ file, transfer }: BlobJob): boolean => file.bytes >= transfer.wholeBelowBytes

/** The journal is written while more comes, and the disk is asked to keep what is there as often as it can. */
const checkpoint = async ({ part }: BlobJob, fill: Fill): Promise<void> => {
  fill.noted = spanBytes(fill.done)
  await part.note(fill.done)
  fill.sync ??= part
    .sync(fill.done)
    .catch((error: unknown) => {
      fill.broken = error
    })
    .finally(() => {
      fill.sync = undefined
    })
}

const grow = (job: BlobJob, fill: Fill, hashing: Hashing, span: Span): void => {
  fill.done = addSpan(fill.done, span)
  hashing.to(frontierOf(fill.done))
  const bytes = spanBytes(fill.done)
  job.onBytes(bytes)
  if (!isRanged(job) || bytes - fill.noted < checkpointBytes(job.file.bytes) || fill.note !== undefined) return
  // A journal that cannot be written costs bytes after a kill; a volume that cannot be written ends the pull by the bytes themselves.
  fill.note = checkpoint(job, fill)
    .catch(() => {})
    .finally(() => {
      fill.note = undefined
    })
}

const gapOf = (job: BlobJob, { done, reserved, resolved, unranged }: Fill): Span | undefined => {
  const { file, transfer } = job
  if (!isRanged(job) || unranged) return nextGap(file.bytes, file.bytes, done, reserved)
  // The first one finds out where the bytes are, so that the others need not ask again.
  const most = resolved === undefined ? transfer.progressBytes : rangeBytes(file.bytes, transfer.rangeBytes)
  return nextGap(file.bytes, most, done, reserved)
}

const fetchSpan = async (job: BlobJob, fill: Fill, hashing: Hashing, span: Span, signal: AbortSignal): Promise<void> => {
  const { crew, hub, repo, commit, file, part, transfer, fence } = job
  const [start, end] = span
  let position = start
  const order = { hub, repo, commit, file, transfer, fence, fd: part.fd, start, end, ranged: isRanged(job), resolved: fill.resolved }
  fill.reserved = [...fill.reserved, span]
  try {
    await crew.fetch(
      { ...order, address: await job.address() },
      {
        onBytes: (bytes) => {
          grow(job, fill, hashing, [position, position + bytes])
          position += bytes
        },
        onResolved: (resolved) => {
          fill.resolved = resolved
        },
        onUnranged: () => {
          fill.unranged = true
        },
      },
      signal,
    )
  } catch (error) {
    if (position - start >= transfer.progressBytes) job.patience.progress()
    throw error
  } finally {
    fill.reserved = fill.reserved.filter((other) => other !== span)
  }
}

/** Fetches gap after gap until none is left; what failed is a gap again. */
const fetchGaps = async (job: BlobJob, fill: Fill, hashing: Hashing, signal: AbortSignal, once: boolean): Promise<void> => {
  while (!signal.aborted) {
    if (gapOf(job, fill) === undefined || (fill.unranged && fill.reserved.length > 0)) return
    await job.slots.take(signal)
    try {
      const span = gapOf(job, fill)
      if (span === undefined) return
      await fetchSpan(job, fill, hashing, span, signal)
      job.patience.progress()
    } catch (error) {
      if (error instanceof Interruption && error.trouble.throttled) job.onThrottled()
      if (error instanceof Interruption) fill.resolved = undefined
      if (error instanceof FenceDown || signal.aborted) throw error
      await job.patience.failed(error)
    } finally {
      job.slots.give()
    }
    if (once && fill.done.length > 0) return
  }
}

/** Lanes of one blob: more than one has to wait for room anyway. */
const lanesOf = (job: BlobJob): number =>
  isRanged(job) ? Math.min(16, Math.ceil(job.file.bytes / rangeBytes(job.file.bytes, job.transfer.rangeBytes))) : 1

const fetchAll = async (job: BlobJob, fill: Fill, hashing: Hashing, signal: AbortSignal): Promise<void> => {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const failures: unknown[] = []
  const lane = (once: boolean): Promise<void> =>
    fetchGaps(job, fill, hashing, either, once).catch((error: unknown) => {
      failures.push(error)
      stop.abort()
    })
  await lane(true)
  if (!either.aborted) await Promise.all(Array.from({ length: lanesOf(job) }, () => lane(false)))
  if (failures.length > 0) throw failures[0]
}

/** What came of filling a part: whether it holds the right bytes, which of them are there, and what ended it before it was full. */
export type Filled = { readonly right: boolean; readonly spans: readonly Span[]; readonly error?: unknown }

/** Fills the part and takes the checksum behind the bytes as they come. However it ends, nothing uses the part's descriptor any more. */
export const fillPart = async (job: BlobJob, signal: AbortSignal): Promise<Filled> => {
  const { crew, part, file } = job
  const spans = part.spans
  const fill: Fill = {
    done: spans,
    reserved: [],
    noted: spanBytes(spans),
    note: undefined,
    sync: undefined,
    resolved: undefined,
    unranged: false,
  }
  const hashing = crew.hash(part.fd, file)
  hashing.to(frontierOf(spans))
  job.onBytes(spanBytes(spans))
  try {
    await fetchAll(job, fill, hashing, signal)
    signal.throwIfAborted()
    await fill.sync
    if (fill.broken !== undefined) throw fill.broken
    return { right: isRight(file, await hashing.digest), spans: fill.done }
  } catch (error) {
    return { right: false, spans: fill.done, error }
  } finally {
    hashing.stop()
    await fill.note
    await Promise.allSettled([hashing.digest, fill.sync])
  }
}
