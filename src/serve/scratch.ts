/**
 * Edge: a directory of its own for each engine, so that whatever it drops there (sockets, core dumps) can be removed with it. Locked for as
 * long as its supervisor lives, so that the next one finds those of supervisors that were killed: a pod's /tmp may outlive its containers.
 */
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockAt, makeLocked, type Opened } from '../std/flock.ts'
import { directoryOf, processIds } from '../supervisor/proc.ts'

/** An engine's working directory and the place of its temporary files. `remove` may be called again, and never throws. */
export type Scratch = { readonly directory: string; readonly remove: () => void }

const prefix = 'aim-engine-'
/** As mkdtemp(3) names them. */
const scratchName = /^aim-engine-\w{6}$/

/** A fresh directory; the shared temporary one where none can be made. */
export const makeScratch = (): Scratch => {
  try {
    const made = makeLocked(makeDirectory, removeDirectory)
    let there = true
    return {
      directory: made.path,
      remove: () => {
        if (there) removeDirectory(made)
        there = false
      },
    }
  } catch {
    return { directory: tmpdir(), remove: () => undefined }
  }
}

const makeDirectory = (): Opened => {
  const path = mkdtempSync(join(tmpdir(), prefix))
  return { path, fd: openSync(path, constants.O_RDONLY | constants.O_DIRECTORY) }
}

const removeDirectory = ({ path, fd }: Opened): void => {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {
    // A directory in it that may not be written to is no reason to fail; the container's end removes it.
  }
  closeSync(fd)
}

/** Removes those of supervisors that were killed, unless a process that can be seen still works there. Resolves with how many; never rejects. */
export const sweepScratches = async (): Promise<number> => {
  const names = await readdir(tmpdir()).catch(() => [])
  const directories = names.filter((name) => scratchName.test(name)).map((name) => join(tmpdir(), name))
  if (directories.length === 0) return 0
  const inUse = new Set(processIds().map(directoryOf))
  const swept = await Promise.all(directories.filter((directory) => !inUse.has(directory)).map(sweepScratch))
  return swept.filter(Boolean).length
}

const sweepScratch = async (directory: string): Promise<boolean> => {
  let lock: number | undefined
  try {
    lock = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    if (lockAt(lock, directory) !== true) return false
    await rm(directory, { recursive: true, force: true })
    return true
  } catch {
    // Another uid's, or gone meanwhile.
    return false
  } finally {
    if (lock !== undefined) closeSync(lock)
  }
}
