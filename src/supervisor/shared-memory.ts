/** Edge: what an engine's processes keep in /dev/shm, where a hard end leaves it behind as used memory that nobody owns. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Where shared memory has names (shm_overview(7)). */
export const sharedMemory = '/dev/shm'

/** `address perms offset dev inode path` (proc(5)). */
const mapping = /^\S+ \S+ \S+ \S+ (\d+) +\/dev\/shm\//gm

/**
 * Inodes in /dev/shm that these processes have mapped now: theirs beyond doubt, even where the directory is shared with other containers.
 * Inodes and not names: glibc's sem_open maps a temporary name and links the real one to it.
 */
export const sharedMemoryOf = (pids: readonly number[]): readonly number[] =>
  pids.flatMap((pid) => [...readMaps(pid).matchAll(mapping)].map((match) => Number(match[1])))

/** Every inode in /dev/shm now, whoever made it; empty where there is none. */
export const sharedMemoryNow = (): readonly number[] => entries().map(({ inode }) => inode)

/** Removes the files with these inodes and gives the bytes that they took; those that are gone already are no matter. */
export const removeSharedMemory = (inodes: ReadonlySet<number>): number =>
  inodes.size === 0 ? 0 : entries().reduce((sum, entry) => sum + (inodes.has(entry.inode) ? remove(entry) : 0), 0)

const remove = ({ path, bytes }: Entry): number => {
  try {
    rmSync(path)
    return bytes
  } catch {
    // Gone meanwhile, or another uid's: then it is not ours to remove.
    return 0
  }
}

type Entry = { readonly path: string; readonly inode: number; readonly bytes: number }

const entries = (): readonly Entry[] => {
  try {
    return readdirSync(sharedMemory).flatMap((name) => {
      const path = join(sharedMemory, name)
      const found = statSync(path, { throwIfNoEntry: false })
      // Blocks of 512 bytes (stat(2)): a file that was not written to its end takes less than its size.
      return found === undefined ? [] : [{ path, inode: found.ino, bytes: found.blocks * 512 }]
    })
  } catch {
    return []
  }
}

const readMaps = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'latin1')
  } catch {
    return ''
  }
}
