/** Edge: writes to a file descriptor without ever blocking the event loop. */
import { write } from 'node:fs'

/** Bytes waiting for a slow reader before new lines are dropped. */
const limitBytes = 8 * 1024 * 1024

/** A place for lines. */
export type Sink = {
  readonly write: (text: string) => void
  /** Lines that did not fit while the reader was slow or after it left. */
  readonly dropped: () => number
  /** Resolves when all is written, or after `ms`. */
  readonly flush: (ms: number) => Promise<void>
}

/**
 * Writes to a descriptor in a thread of the pool: a pipe's write blocks when nobody reads, which in the event loop would stop probes and
 * supervision. When the reader is gone (EPIPE) everything is dropped and nothing is said about it.
 */
export const createSink = (descriptor: number): Sink => {
  let queue: string[] = []
  let waiting = 0
  let busy = false
  let gone = false
  let dropped = 0
  const idle = new Set<() => void>()

  const next = (): void => {
    if (queue.length === 0 || gone) {
      finish()
      return
    }
    busy = true
    const chunk = Buffer.from(queue.join(''))
    queue = []
    writeAll(chunk, 0)
  }
  const writeAll = (chunk: Buffer, from: number): void => {
    write(descriptor, chunk, from, chunk.length - from, null, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => writeAll(chunk, from), 5)
      else if (!error && from + written < chunk.length) writeAll(chunk, from + written)
      else {
        gone ||= error !== null
        waiting -= chunk.length
        next()
      }
    })
  }
  const finish = (): void => {
    busy = false
    for (const done of idle) done()
    idle.clear()
  }
  return {
    write: (text) => {
      const bytes = Buffer.byteLength(text)
      if (gone || waiting + bytes > limitBytes) {
        dropped++
        return
      }
      waiting += bytes
      queue.push(text)
      if (!busy) next()
    },
    dropped: () => dropped,
    flush: (ms) =>
      new Promise((resolve) => {
        if (!busy) return resolve()
        idle.add(resolve)
        setTimeout(resolve, ms)
      }),
  }
}
