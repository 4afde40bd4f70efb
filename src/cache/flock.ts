/** Edge: locks that die with their holder, on the file systems where they can be trusted. */
import { type FileHandle, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Libc, openLibc } from '../std/libc.ts'

/**
 * File systems that one kernel has to itself, by f_type of statfs(2) (linux/magic.h): ext2 to 4, XFS, Btrfs, F2FS, ZFS, tmpfs, overlayfs. Not
 * those of a network or of FUSE, where a lock may do nothing or never come back.
 */
const localTypes: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994, 0x794c7630])

let opened: { readonly libc: Libc | undefined } | undefined

const lock = async (handle: FileHandle, path: string, how: 'exclusive' | 'shared'): Promise<boolean> => {
  // Of the directory: the file may have lost its name meanwhile.
  if (!localTypes.has((await statfs(dirname(path))).type)) return false
  opened ??= { libc: openLibc() }
  return opened.libc?.lock(handle.fd, how) ?? false
}

/** Locks a file that is open at `path` until it is closed; false where that means nothing. */
export const lockWhileOpen = (handle: FileHandle, path: string): Promise<boolean> => lock(handle, path, 'exclusive')

/** Whether a file that its writer had locked is locked no more; false where that cannot be known. */
export const isLockFree = (handle: FileHandle, path: string): Promise<boolean> => lock(handle, path, 'shared')
