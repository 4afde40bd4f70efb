/**
 * Edge: a thread that fetches spans and takes checksums, so that neither delays whoever started it. It writes and reads with blocking calls,
 * since there is nothing else for it to do, and a connection whose bytes cannot be stored yet should wait in the kernel.
 */
import { readSync, writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { exitCodes } from '../std/exit-codes.ts'
import { describeError, Failure } from '../std/failure.ts'
import { errorCode, explainConnection } from './connection-errors.ts'
import { type Digest, startDigest } from './digest.ts'
import { stuck } from './download.ts'
import { fetchRange, Unplain } from './fast-lane.ts'
import { fetchOnce } from './http.ts'
import { Interruption } from './insist.ts'
import { credentialsOf } from './protocol.ts'
import { positionOf } from './range.ts'
import type { Answer, FetchJob, Order, Trouble } from './thread-protocol.ts'

const fences = new Float64Array(workerData as SharedArrayBuffer)
const say = (answer: Answer): void => parentPort?.postMessage(answer)
const running = new Map<number, AbortController>()

/** The lease may have been taken by another: what this thread still has is not to be written. */
class Fenced extends Error {}

/** Bytes that are told of at once; a message costs some ten microseconds. */
const reportBytes = 1024 ** 2
/** Milliseconds after which fewer are told of too. */
const reportMs = 100

const milliseconds = (): number => {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** Writes what comes, in order from `job.start`, and tells of it now and then. */
const writerOf = (job: FetchJob) => {
  let position = job.start
  let told = position
  let toldMs = milliseconds()
  const flush = (): void => {
    if (position > told) say({ kind: 'bytes', id: job.id, bytes: position - told })
    told = position
    toldMs = milliseconds()
  }
  const write = (chunk: Buffer): void => {
    const now = milliseconds()
    if (now > (fences[job.fence] ?? 0)) throw new Fenced()
    for (let done = 0; done < chunk.length; ) done += writeSync(job.fd, chunk, done, chunk.length - done, position + done)
    position += chunk.length
    if (position - told >= reportBytes || now - toldMs >= reportMs) flush()
  }
  return { write, flush, position: () => position }
}

type Writer = ReturnType<typeof writerOf>

const isProxied = ({ protocol }: URL): boolean => {
  const name = `${protocol.slice(0, -1)}_proxy`
  return Boolean(process.env[name] || process.env[name.toUpperCase()])
}

/** The plain way, when the address is known; false when it was not plain and nothing came. */
const tryPlainly = async (job: FetchJob, writer: Writer, signal: AbortSignal): Promise<boolean> => {
  if (job.resolved === undefined || !job.ranged) return false
  const url = new URL(job.resolved.url)
  if (isProxied(url)) return false
  const { start, end, hub, file, repo, resolved } = job
  try {
    await fetchRange({ url, headers: resolved.headers, start, end, size: file.bytes, idleMs: job.transfer.idleMs }, writer.write, signal)
    return true
  } catch (error) {
    if (error instanceof Unplain) return false
    if (error instanceof Fenced || signal.aborted || isStorage(error)) throw error
    const trouble = explainConnection(error, url.host, { hub, repo, path: file.path })
    throw trouble.transient ? new Interruption(trouble) : trouble.failure
  }
}

/** The way that follows redirects and words what goes wrong. */
const fetchSlowly = async (job: FetchJob, writer: Writer, signal: AbortSignal): Promise<void> => {
  const { id, hub, repo, commit, file, start, end, ranged, address } = job
  const headers = { ...address.headers, ...(ranged && { range: `bytes=${start}-${end - 1}` }) }
  const asked = { hub, repo, revision: commit, path: file.path }
  const received = await fetchOnce({ url: address.url, asked, headers, signal, transfer: job.transfer })
  let position = positionOf(received)
  if (position === undefined || position > start) throw stuck(file, start, repo)
  const own = { ...address.headers, ...(received.withToken && credentialsOf(hub)) }
  if (ranged && received.status === 206) say({ kind: 'resolved', id, resolved: { url: received.url.href, headers: own } })
  else if (ranged) say({ kind: 'unranged', id })
  for await (const chunk of received.chunks) {
    const piece = chunk.subarray(Math.max(0, start - position), Math.max(0, end - position))
    position += chunk.length
    if (piece.length > 0) writer.write(piece)
    // Not at the last byte: an answer read to its end leaves the connection for the next file.
    if (position > end) break
  }
  if (writer.position() < end) throw stuck(file, writer.position(), repo)
}

const isStorage = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && ['write', 'pwrite', 'read'].includes(String(error.syscall)) && !('address' in error)

const troubleOf = (error: unknown): Trouble => {
  if (error instanceof Interruption) {
    const { failure, transient, toldMs, throttled = false } = error.trouble
    return { ...plain(failure), transient, toldMs, throttled }
  }
  if (error instanceof Failure) return { ...plain(error), transient: false, throttled: false }
  return { message: describeError(error), exitCode: exitCodes.software, transient: false, throttled: false }
}

const plain = ({ message, fix, exitCode }: Failure) => ({ message, exitCode, ...(fix === undefined ? {} : { fix }) })

const tellEnd = (id: number, error: unknown): void => {
  if (error instanceof Fenced) say({ kind: 'fenced', id })
  else if (isStorage(error)) say({ kind: 'storage', id, code: errorCode(error) ?? '', message: String(error) })
  else say({ kind: 'trouble', id, trouble: troubleOf(error) })
}

const runFetch = async (job: FetchJob): Promise<void> => {
  const stop = new AbortController()
  running.set(job.id, stop)
  const writer = writerOf(job)
  try {
    if (!(await tryPlainly(job, writer, stop.signal))) await fetchSlowly(job, writer, stop.signal)
    writer.flush()
    say({ kind: 'done', id: job.id })
  } catch (error) {
    writer.flush()
    tellEnd(job.id, error)
  } finally {
    running.delete(job.id)
  }
}

type Hashing = { readonly fd: number; readonly hash: Digest; readonly bytes: number; position: number; to: number }

const hashings = new Map<number, Hashing>()
const buffer = Buffer.allocUnsafe(1024 ** 2)
/** Bytes hashed of one file before the next one's turn. */
const turnBytes = 16 * 1024 ** 2
let turning = false

const turn = (id: number, hashing: Hashing): void => {
  const stop = Math.min(hashing.to, hashing.position + turnBytes)
  while (hashing.position < stop) {
    const bytes = readSync(hashing.fd, buffer, 0, Math.min(buffer.length, stop - hashing.position), hashing.position)
    if (bytes === 0) throw Object.assign(new Error('the file ends before its end'), { code: 'EIO', syscall: 'read' })
    hashing.hash.update(buffer.subarray(0, bytes))
    hashing.position += bytes
  }
  if (hashing.position < hashing.bytes) return
  hashings.delete(id)
  say({ kind: 'done', id, digest: hashing.hash.digest('hex') })
}

const turnAll = (): void => {
  turning = false
  for (const [id, hashing] of hashings) {
    try {
      turn(id, hashing)
    } catch (error) {
      hashings.delete(id)
      tellEnd(id, error)
    }
  }
  if ([...hashings.values()].some(({ position, to }) => position < to)) schedule()
}

const schedule = (): void => {
  if (turning) return
  turning = true
  setImmediate(turnAll)
}

const handlers: { readonly [K in Order['kind']]: (order: Extract<Order, { kind: K }>) => void } = {
  fetch: (job) => void runFetch(job),
  hash: ({ id, fd, file }) => {
    hashings.set(id, { fd, hash: startDigest(file), bytes: file.bytes, position: 0, to: 0 })
    schedule()
  },
  'hash-to': ({ id, to }) => {
    const hashing = hashings.get(id)
    if (hashing === undefined) return
    hashing.to = to
    schedule()
  },
  stop: ({ id }) => {
    running.get(id)?.abort()
    if (hashings.delete(id)) say({ kind: 'done', id })
  },
}

parentPort?.on('message', (order: Order) => (handlers[order.kind] as (order: Order) => void)(order))
