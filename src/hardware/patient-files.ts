/** Edge: files read in the thread pool, so that a driver that hangs stops neither probes nor supervision. */
import { close, open, read, readdir, readlink } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Read } from '../std/result.ts'
import type { PatientFiles } from './file-system.ts'

// Not node:fs/promises, which a start would load for this alone.
const calls = { open: promisify(open), read: promisify(read), close: promisify(close), list: promisify(readdir), link: promisify(readlink) }

/** A sysfs attribute is a page at most; gpu_metrics and fdinfo are less. */
const page = 4096
const largest = 16 * page

/** How long one read may take, milliseconds: a sensor takes microseconds, a GPU in reset as long as the reset. */
const patienceMs = 250

/**
 * Files under `root`, one read at a time. A read that does not come back in time is answered with ETIMEDOUT, and so is every read after it
 * until it does come back: at most one thread of the pool is ever lost to a driver that hangs.
 */
export const patientFiles = (root = '/', patience = patienceMs): PatientFiles => {
  let stuck = false
  const wait = async <T>(call: () => Promise<T>): Promise<Read<T>> => {
    if (stuck) return { ok: false, code: 'ETIMEDOUT' }
    const answer = attempt(call)
    const { promise: late, resolve } = Promise.withResolvers<undefined>()
    const timer = setTimeout(resolve, patience, undefined)
    const first = await Promise.race([answer, late])
    clearTimeout(timer)
    if (first !== undefined) return first
    stuck = true
    void answer.then(() => {
      stuck = false
    })
    return { ok: false, code: 'ETIMEDOUT' }
  }
  const place = (path: string): string => join(root, path)
  return {
    readText: async (path) => {
      const read = await wait(() => readSmall(place(path)))
      return read.ok ? { ok: true, value: read.value.toString() } : read
    },
    readBytes: (path) => wait(() => readSmall(place(path))),
    list: (path) => wait(() => calls.list(place(path))),
    readLink: (path) => wait(() => calls.link(place(path))),
  }
}

const attempt = async <T>(call: () => Promise<T>): Promise<Read<T>> => {
  try {
    return { ok: true, value: await call() }
  } catch (error) {
    return { ok: false, code: error instanceof Error && 'code' in error ? String(error.code) : 'EIO' }
  }
}

// sysfs gives a whole attribute to the first read; fdinfo may take several.
const readSmall = async (path: string): Promise<Buffer> => {
  const file = await calls.open(path, 'r')
  try {
    const pieces: Buffer[] = []
    for (let used = 0; used < largest; ) {
      const { bytesRead, buffer } = await calls.read(file, Buffer.allocUnsafe(page), 0, page, null)
      if (bytesRead === 0) break
      pieces.push(buffer.subarray(0, bytesRead))
      used += bytesRead
    }
    return Buffer.concat(pieces)
  } finally {
    await calls.close(file)
  }
}
