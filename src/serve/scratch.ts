/** Edge: a directory of its own for each engine, so that whatever it drops there (sockets, core dumps) can be removed with it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A fresh directory; the shared temporary one where none can be made. */
export const makeScratch = (): string => {
  try {
    return mkdtempSync(join(tmpdir(), 'aim-engine-'))
  } catch {
    return tmpdir()
  }
}

/** Removes a directory that `makeScratch` made. */
export const removeScratch = (directory: string): void => {
  if (directory === tmpdir()) return
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch {
    // A directory in it that may not be written to is no reason to fail; the container's end removes it.
  }
}
