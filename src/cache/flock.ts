/** Edge: locks of claims, which die with their holder, on the file systems where they can be trusted. */
import { type FileHandle, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasLocks, lockOpen } from '../std/flock.ts'

/** Whether locks mean something there. Of the directory: the file may have lost its name meanwhile. */
const mayLock = async (path: string): Promise<boolean> => hasLocks((await statfs(dirname(path))).type)

/** Locks a file that is open at `path` until it is closed; false where that means nothing. */
export const lockWhileOpen = async (handle: FileHandle, path: string): Promise<boolean> =>
  (await mayLock(path)) && lockOpen(handle.fd, 'exclusive')

/** Whether a file that its writer had locked is locked no more; false where that cannot be known. */
export const isLockFree = async (handle: FileHandle, path: string): Promise<boolean> =>
  (await mayLock(path)) && lockOpen(handle.fd, 'shared')
