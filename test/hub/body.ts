import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './faults.ts'
import type { StoredFile } from './repository.ts'

type Range = { readonly start: number; readonly end: number }

const parseRange = (header: string | undefined, bytes: number): Range | 'unsatisfiable' | undefined => {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '')
  if (match === null) return undefined
  const start = Number(match[1])
  const end = match[2] === '' ? bytes : Math.min(bytes, Number(match[2]) + 1)
  return start < end ? { start, end } : 'unsatisfiable'
}

const invert = (chunk: Buffer): Buffer => Buffer.from(chunk.map((byte) => byte ^ 0xff))

async function* drip(source: AsyncIterable<Buffer>, bytesPerSecond: number): AsyncGenerator<Buffer> {
  const step = Math.max(1, Math.ceil(bytesPerSecond / 20))
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.length; offset += step) {
      await sleep(50)
      yield chunk.subarray(offset, offset + step)
    }
  }
}

async function* bend(source: AsyncIterable<Buffer>, fault: Fault | undefined): AsyncGenerator<Buffer> {
  if (fault?.kind === 'drip') return yield* drip(source, fault.bytesPerSecond)
  let left = fault?.kind === 'reset' ? fault.afterBytes : Number.POSITIVE_INFINITY
  for await (const chunk of source) {
    yield (fault?.kind === 'wrong-bytes' ? invert(chunk) : chunk).subarray(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
}

const pump = async (response: ServerResponse, chunks: AsyncIterable<Buffer>, sent: { bytes: number }): Promise<void> => {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  for await (const chunk of chunks) {
    if (gone.signal.aborted) return
    sent.bytes += chunk.length
    if (!response.write(chunk)) await once(response, 'drain', { signal: gone.signal }).catch(() => {})
  }
}

/** Answers with a file or the range of it that was asked for, bent by a fault. Headers come on top of length and range. */
export const sendFile = async (
  request: IncomingMessage,
  response: ServerResponse,
  file: StoredFile,
  headers: Readonly<Record<string, string>>,
  sent: { bytes: number },
  fault?: Fault,
): Promise<void> => {
  const asked = fault?.kind === 'ignore-range' ? undefined : parseRange(request.headers.range, file.bytes)
  if (asked === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${file.bytes}` }).end()
    return
  }
  const { start, end } = asked ?? { start: 0, end: file.bytes }
  const stop = fault?.kind === 'short' ? Math.min(end, start + fault.bytes) : end
  const range = asked && { 'content-range': `bytes ${start}-${stop - 1}/${file.bytes}` }
  response.writeHead(asked ? 206 : 200, { 'accept-ranges': 'bytes', 'content-length': stop - start, ...range, ...headers })
  if (request.method !== 'HEAD') await pump(response, bend(file.read(start, stop), fault), sent)
  // A reset that comes with the first bytes would take them along: they have to be out of our buffers first.
  if (fault?.kind === 'reset') response.socket?.destroySoon()
  else response.end()
}
