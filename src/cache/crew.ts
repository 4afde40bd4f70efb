/** Edge: the threads that fetch and hash, seen as calls that resolve when the work is done. */
import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Failure } from '../std/failure.ts'
import type { Checked } from './digest.ts'
import { Interruption } from './insist.ts'
import type { Answer, FetchJob, Order, Resolved, Trouble } from './thread-protocol.ts'

/** Thrown when the fence of a part was down: whether the lease is still ours has to be asked. */
export class FenceDown extends Error {}

/** What a fetch tells meanwhile. */
export type FetchListener = {
  readonly onBytes: (bytes: number) => void
  readonly onResolved: (resolved: Resolved) => void
  readonly onUnranged: () => void
}

/** A checksum that follows the bytes: `to` says how far they are there in order. */
export type Hashing = { readonly to: (bytes: number) => void; readonly digest: Promise<string>; readonly stop: () => void }

/** The threads. */
export type Crew = {
  /** Fetches a span; rejects with a Failure, an Interruption, FenceDown, or an error of the file system. Resolves early on abort. */
  readonly fetch: (job: Omit<FetchJob, 'kind' | 'id'>, listener: FetchListener, signal: AbortSignal) => Promise<void>
  readonly hash: (fd: number, file: Checked) => Hashing
  /** Allows writes behind a fence for so many milliseconds from now; 0 forbids them. */
  readonly fence: (index: number, ms: number) => void
  /** Bytes that came over the network so far. */
  readonly fetchedBytes: () => number
  readonly close: () => Promise<void>
}

/** Fences there are: more blobs are never under way at once. */
export const fenceCount = 64

type Pending = { readonly onAnswer: (answer: Answer) => void; readonly onDeath: (error: Error) => void }

const errorOf = (trouble: Trouble): Error => {
  const { message, exitCode, fix, transient, toldMs, throttled } = trouble
  const failure = new Failure(message, { exitCode, ...(fix === undefined ? {} : { fix }) })
  return transient ? new Interruption({ failure, transient, toldMs, throttled }) : failure
}

const rejectionOf = (answer: Answer): Error | undefined => {
  if (answer.kind === 'trouble') return errorOf(answer.trouble)
  if (answer.kind === 'fenced') return new FenceDown()
  return answer.kind === 'storage' ? Object.assign(new Error(answer.message), { code: answer.code, syscall: 'write' }) : undefined
}

// Beside this file as a source, and beside its chunk in the bundle, which has it as an entry of its own.
const entry = new URL(`./transfer-thread${extname(import.meta.url)}`, import.meta.url)

const startThread = (fences: SharedArrayBuffer, pending: Map<number, Pending>): Worker => {
  const thread = new Worker(entry, { workerData: fences, execArgv: [], argv: [] })
  thread.on('message', (answer: Answer) => pending.get(answer.id)?.onAnswer(answer))
  thread.on('error', (error) => {
    for (const { onDeath } of pending.values()) onDeath(error as Error)
  })
  return thread
}

/** Starts threads when they are first needed: as many for fetching as for hashing, at most four each. */
export const createCrew = (): Crew => {
  const width = Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2)))
  const fences = new SharedArrayBuffer(8 * fenceCount)
  const deadlines = new Float64Array(fences)
  const pending = new Map<number, Pending>()
  const threads: (Worker | undefined)[] = Array.from({ length: 2 * width })
  let jobs = 0
  let fetched = 0
  const threadAt = (index: number): Worker => {
    threads[index] ??= startThread(fences, pending)
    return threads[index]
  }
  const order = (index: number, message: Order): void => threadAt(index).postMessage(message)
  return {
    fetch: (job, listener, signal) =>
      new Promise((resolve, reject) => {
        const id = ++jobs
        const thread = id % width
        const stop = (): void => order(thread, { kind: 'stop', id })
        const end = (settle: () => void): void => {
          pending.delete(id)
          signal.removeEventListener('abort', stop)
          settle()
        }
        signal.addEventListener('abort', stop, { once: true })
        pending.set(id, {
          onDeath: (error) => end(() => reject(error)),
          onAnswer: (answer) => {
            if (answer.kind === 'bytes') {
              fetched += answer.bytes
              return listener.onBytes(answer.bytes)
            }
            if (answer.kind === 'resolved') return listener.onResolved(answer.resolved)
            if (answer.kind === 'unranged') return listener.onUnranged()
            const rejection = rejectionOf(answer)
            end(() => (rejection === undefined || signal.aborted ? resolve() : reject(rejection)))
          },
        })
        order(thread, { ...job, kind: 'fetch', id })
        if (signal.aborted) stop()
      }),
    hash: (fd, file) => {
      const id = ++jobs
      const thread = width + (id % width)
      const digest = new Promise<string>((resolve, reject) => {
        pending.set(id, {
          onDeath: reject,
          onAnswer: (answer) => {
            pending.delete(id)
            const rejection = rejectionOf(answer)
            if (rejection !== undefined) reject(rejection)
            else resolve(answer.kind === 'done' ? (answer.digest ?? '') : '')
          },
        })
      })
      digest.catch(() => {})
      order(thread, { kind: 'hash', id, fd, file })
      return {
        to: (bytes) => order(thread, { kind: 'hash-to', id, to: bytes }),
        digest,
        stop: () => order(thread, { kind: 'stop', id }),
      }
    },
    fence: (index, ms) => {
      const [seconds, nanoseconds] = process.hrtime()
      deadlines[index] = ms === 0 ? 0 : seconds * 1000 + nanoseconds / 1e6 + ms
    },
    fetchedBytes: () => fetched,
    close: async () => void (await Promise.all(threads.map((thread) => thread?.terminate()))),
  }
}
