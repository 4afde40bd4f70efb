import type { Read } from '../std/result.ts'

/**
 * The reads that detection needs, so that a captured tree, a test or an error (EPERM, EBUSY ...) can stand in for the machine.
 * Paths are absolute as on the real machine; an implementation puts its root in front.
 */
export type FileSystem = {
  /** A whole small text file. */
  readonly readText: (path: string) => Read<string>
  /** Names in a directory, in no order. */
  readonly list: (path: string) => Read<readonly string[]>
  /** Whether this process may read and write the path (`access(2)`); never opens it. */
  readonly access: (path: string) => Read<undefined>
  /** Target of a symbolic link. */
  readonly readLink: (path: string) => Read<string>
  /** Owner of a path, for naming the group to add. */
  readonly owner: (path: string) => Read<{ readonly uid: number; readonly gid: number }>
  /** Size and free bytes of the file system at a path. */
  readonly space: (path: string) => Read<{ readonly totalBytes: number; readonly freeBytes: number }>
}

/**
 * The reads of a running supervisor, which must never wait for a driver that hangs: an implementation answers ETIMEDOUT instead. Paths are
 * absolute as on the real machine.
 */
export type PatientFiles = {
  readonly readText: (path: string) => Promise<Read<string>>
  /** A whole small binary file. */
  readonly readBytes: (path: string) => Promise<Read<Uint8Array>>
  /** Names in a directory, in no order. */
  readonly list: (path: string) => Promise<Read<readonly string[]>>
  /** Target of a symbolic link. */
  readonly readLink: (path: string) => Promise<Read<string>>
}
