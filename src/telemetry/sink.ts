/** Edge: writes to a file descriptor without ever blocking the event loop. */
import { constants, fstatSync, openSync, write } from 'node:fs'
import { countLines } from '../std/lines.ts'

/** A pipe that is full is tried again after this, and while nobody reads less and less often; milliseconds. */
const retry = { leastMs: 5, mostMs: 80 }

/** Bytes waiting for a slow reader before new lines are dropped. */
const limitBytes = 8 * 1024 * 1024

/** Bytes in a block of what waits: as many as a pipe holds (pipe(7)). */
const blockBytes = 65_536

/** Lines that wait, as bytes: kept as strings they would be copied by every collection of garbage, for which a probe has to wait. */
type Block = { readonly bytes: Buffer; end: number }

const filled = ({ bytes, end }: Block): Buffer => bytes.subarray(0, end)

/** A place for whole lines. */
export type Sink = {
  /** UTF-8, which is copied; `lines` is how many it holds, for who has counted them. */
  readonly write: (text: string | Uint8Array, lines?: number) => void
  /** Lines that did not fit while the reader was slow or after it left. */
  readonly dropped: () => number
  /** Resolves with true when all is written, or after `ms` with false: then a thread of the pool may hang in a write. */
  readonly flush: (ms: number) => Promise<boolean>
}

/**
 * The same pipe or terminal, opened so that a write never waits: a write that hangs in the pool would keep the process from exiting. A file
 * keeps its own descriptor (another would begin at its start), and so does what cannot be opened again, such as a socket.
 */
const withoutWaiting = (descriptor: number): number => {
  try {
    const kind = fstatSync(descriptor)
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return descriptor
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return descriptor
  }
}

/** Errors after which nobody will ever read again. */
const final: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EBADF', 'EIO'])

/**
 * Writes to a descriptor in a thread of the pool: a pipe's write blocks when nobody reads, which in the event loop would stop probes and
 * supervision. When the reader is gone (EPIPE) everything is dropped and nothing is said about it.
 */
export const createSink = (wanted: number): Sink => {
  const descriptor = withoutWaiting(wanted)
  let queue: Block[] = []
  let waiting = 0
  let busy = false
  let gone = false
  let dropped = 0
  const idle = new Set<() => void>()

  const next = (): void => {
    const block = gone ? undefined : queue.shift()
    busy = block !== undefined
    if (block) writeAll(filled(block), 0)
    else finish()
  }
  const finish = (): void => {
    for (const lost of queue) dropped += countLines(filled(lost))
    queue = []
    for (const done of idle) done()
    idle.clear()
  }
  const append = (bytes: Uint8Array): void => {
    const { length } = bytes
    waiting += length
    let last = queue.at(-1)
    if (!last || last.end + length > last.bytes.length) {
      last = { bytes: Buffer.allocUnsafe(busy ? Math.max(length, blockBytes) : length), end: 0 }
      queue.push(last)
    }
    last.bytes.set(bytes, last.end)
    last.end += length
  }
  const writeAll = (chunk: Buffer, from: number, waitMs = retry.leastMs): void => {
    write(descriptor, chunk, from, chunk.length - from, null, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => writeAll(chunk, from, Math.min(2 * waitMs, retry.mostMs)), waitMs)
      else if (!error && from + written < chunk.length) writeAll(chunk, from + written)
      else {
        gone ||= final.has(error?.code)
        if (error) dropped += countLines(chunk.subarray(from))
        waiting -= chunk.length
        next()
      }
    })
  }
  return {
    write: (text, lines) => {
      const bytes = typeof text === 'string' ? Buffer.from(text) : text
      if (gone || waiting + bytes.length > limitBytes) {
        dropped += lines ?? countLines(bytes)
        return
      }
      append(bytes)
      if (!busy) next()
    },
    dropped: () => dropped,
    flush: (ms) =>
      new Promise((resolve) => {
        if (!busy) return resolve(true)
        idle.add(() => resolve(true))
        setTimeout(() => resolve(false), ms)
      }),
  }
}
