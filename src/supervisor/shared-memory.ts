/** Edge: what an engine's processes keep in /dev/shm, where a hard end leaves it behind as used memory that nobody owns. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const directory = '/dev/shm'

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

/** Removes the files with these inodes; those that are gone already are no matter. */
export const removeSharedMemory = (inodes: ReadonlySet<number>): void => {
  if (inodes.size === 0) return
  for (const { path, inode } of entries()) {
    try {
      if (inodes.has(inode)) rmSync(path)
    } catch {
      // Gone meanwhile, or another uid's: then it is not ours to remove.
    }
  }
}

const entries = (): readonly { readonly path: string; readonly inode: number }[] => {
  try {
    return readdirSync(directory).flatMap((name) => {
      const path = join(directory, name)
      const inode = statSync(path, { throwIfNoEntry: false })?.ino
      return inode === undefined ? [] : [{ path, inode }]
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
