/** Edge: locks that die with their holder (flock(2)), on the file systems where they can be trusted. */
import { fstatSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { openLibc } from './libc.ts'

/**
 * File systems that one kernel has to itself, by f_type of statfs(2) (linux/magic.h): ext2 to 4, XFS, Btrfs, F2FS, ZFS, tmpfs, overlayfs. Not
 * those of a network or of FUSE, where a lock may do nothing or never come back.
 */
const localTypes: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994, 0x794c7630])

/** Whether a lock means something on a file system of this type (f_type of statfs(2)). */
export const hasLocks = (type: number): boolean => localTypes.has(type)

/** Locks an open file until it is closed, without waiting; false when another has it, or nothing can be locked. */
export const lockOpen = (fd: number, how: 'exclusive' | 'shared'): boolean => openLibc()?.lock(fd, how) ?? false

/**
 * Locks the file or directory that is open as `fd` until it is closed; undefined where that means nothing. False when another has it, or it is
 * at `path` no more: who makes one (`makeLocked`) and who removes what nobody has locked both ask here, so that a fresh one is not taken for a
 * dead one's.
 */
export const lockAt = (fd: number, path: string): boolean | undefined => {
  // Of the directory: what was removed has no name any more.
  if (openLibc() === undefined || !hasLocks(statfsSync(dirname(path)).type)) return undefined
  return lockOpen(fd, 'exclusive') && statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino
}

/** A file or directory that is open as `fd`. */
export type Opened = { readonly path: string; readonly fd: number }

/** How often a sweeper may be quicker before it is taken for a kernel that locks nothing. */
const tries = 3

/** Makes a file or directory and locks it until it is closed; another one when a sweeper took the first before it was locked. */
export const makeLocked = (make: () => Opened, remove: (made: Opened) => void): Opened & { readonly locked: boolean } => {
  for (let left = tries; ; left--) {
    const made = make()
    const locked = lockAt(made.fd, made.path)
    if (locked !== false || left === 1) return { ...made, locked: locked === true }
    remove(made)
  }
}
