import type { Hash } from 'node:crypto'
import { startDigest } from './digest.ts'
import { wrongBytes } from './download.ts'
import { createFile, discard, hasSize, partPath, publish } from './durable.ts'
import { blobPath } from './paths.ts'
import type { RepoFile } from './types.ts'

/** One blob to fetch. */
export type BlobJob = {
  readonly cacheDir: string
  readonly repo: string
  readonly file: RepoFile
  /** This writer's own name. */
  readonly token: string
  /** The bytes from the start, each time it is called. */
  readonly chunks: () => AsyncIterable<Buffer>
  /** Told of every chunk; a negative number takes back what turned out useless. */
  readonly onBytes: (bytes: number) => void
}

// Sockets give 64 KiB at a time; fewer, longer writes cost less and suit network file systems.
const batchBytes = 1024 ** 2

async function* batches({ chunks, onBytes }: BlobJob, digest: Hash): AsyncGenerator<Buffer, void, undefined> {
  let batch: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks()) {
    digest.update(chunk)
    onBytes(chunk.length)
    batch.push(chunk)
    bytes += chunk.length
    if (bytes < batchBytes) continue
    yield Buffer.concat(batch)
    batch = []
    bytes = 0
  }
  yield Buffer.concat(batch)
}

/** Whether the part now holds the right bytes. The digest is of what came, the size is of what the file system holds. */
const fill = async (job: BlobJob, part: string): Promise<boolean> => {
  const digest = startDigest(job.file)
  await createFile(part, (handle) => handle.writeFile(batches(job, digest)))
  return digest.digest('hex') === job.file.etag && (await hasSize(part, job.file.bytes))
}

const tryOnce = async (job: BlobJob, target: string): Promise<boolean> => {
  const part = partPath(target, job.token)
  let received = 0
  const onBytes = (bytes: number): void => {
    received += bytes
    job.onBytes(bytes)
  }
  try {
    if (!(await fill({ ...job, onBytes }, part))) return false
    // Somebody else may have been faster; what is published is never replaced by the same.
    if (!(await hasSize(target, job.file.bytes))) await publish(part, target, job.file.bytes)
    received = 0
    return true
  } finally {
    if (received > 0) job.onBytes(-received)
    await discard(part)
  }
}

/**
 * Fetches a blob into a private part, verifies it, and gives it its name. Wrong bytes are dropped and fetched once more from zero,
 * then it is a Failure (75). Leaves no part behind, whatever happens short of SIGKILL.
 */
export const fetchBlob = async (job: BlobJob): Promise<void> => {
  const target = blobPath(job.cacheDir, job.repo, job.file.etag)
  if ((await tryOnce(job, target)) || (await tryOnce(job, target))) return
  throw wrongBytes(job.file, job.repo)
}
