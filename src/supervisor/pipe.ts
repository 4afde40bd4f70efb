/** Edge: pipes that a program writes its output to. */
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { openLibc, type Pipe } from '../std/libc.ts'
import type { Lines } from '../std/lines.ts'
import { splitLines } from './lines.ts'

/**
 * Bytes that wait in a pipe before its writer does: what an unprivileged process may have (/proc/sys/fs/pipe-max-size, pipe(7)), so that an
 * engine which writes much at once does not wait for our turn.
 */
const pipeBytes = 1_048_576

/** Bytes that are read in one turn of the event loop: a few hundred lines, for which a probe has to wait. */
const sliceBytes = 16_384

/**
 * A pipe for the output of a child. Node's own is a socket, which cannot be opened by name, as `/dev/stderr` is in start-up scripts (ENXIO);
 * undefined where only that can be had.
 */
export const openPipe = (): Pipe | undefined => openLibc()?.pipe(pipeBytes)

/** Closes descriptors of pipes, those that there are. */
export const closeAll = (descriptors: readonly (number | undefined)[]): void => {
  for (const descriptor of descriptors) if (descriptor !== undefined) closeSync(descriptor)
}

/** Reads a pipe that is open for reading, or a stream, to its end; `onLines` gets whole lines. */
export const readLines = (from: number | Readable, onLines: (lines: Lines) => void): Promise<void> => {
  const splitter = splitLines(onLines)
  const next = (): void => void stream.resume()
  const take = (bytes: Uint8Array): void => {
    // libuv reads up to 32 times in a row what is there.
    stream.pause()
    setImmediate(next)
    splitter.push(bytes)
  }
  const stream = typeof from === 'number' ? openStream(from, take) : from.on('data', take)
  return new Promise((resolve) => {
    stream.on('close', () => {
      splitter.end()
      resolve()
    })
  })
}

/** Into one buffer for all: fresh ones would be garbage. */
const openStream = (fd: number, take: (bytes: Uint8Array) => void): Readable => {
  const buffer = Buffer.alloc(sliceBytes)
  const callback = (length: number): boolean => {
    take(buffer.subarray(0, length))
    return true
  }
  return new Socket({ fd, readable: true, writable: false, onread: { buffer, callback } }).resume()
}
