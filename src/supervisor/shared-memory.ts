/** Edge: what an engine's processes keep in /dev/shm, where a hard end leaves it behind as used memory that nobody owns. */
import { readFileSync, rmSync } from 'node:fs'

const mapped = /\s(\/dev\/shm\/\S+)$/gm

/** Files in /dev/shm that these processes have mapped now: theirs beyond doubt, even where the directory is shared with other containers. */
export const sharedMemoryOf = (pids: readonly number[]): readonly string[] => [
  ...new Set(pids.flatMap((pid) => [...readMaps(pid).matchAll(mapped)].map((match) => match[1] ?? ''))),
]

/** Removes files that their processes left; those that are gone already are no matter. */
export const removeSharedMemory = (paths: Iterable<string>): void => {
  for (const path of paths) {
    try {
      rmSync(path, { force: true })
    } catch {
      // Another uid's file cannot be ours to remove.
    }
  }
}

const readMaps = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'latin1')
  } catch {
    return ''
  }
}
