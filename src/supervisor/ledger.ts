/**
 * Edge: a list of what an engine keeps in /dev/shm, which lies there for whoever comes after a supervisor that was killed: a pod's /dev/shm
 * outlives its containers and counts towards their memory limit, so that after a kill for memory the next engine would have less of it.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { lockAt, makeLocked, type Opened } from '../std/flock.ts'
import { processIds } from './proc.ts'
import { removeSharedMemory, sharedMemory, sharedMemoryOf } from './shared-memory.ts'

/** The list of one supervisor. */
export type Ledger = {
  /** Lists these inodes, which take in what was listed before; with none there is no list. Where it cannot be kept, nothing is. */
  readonly list: (inodes: ReadonlySet<number>) => void
}

/** f_type of statfs(2) (linux/magic.h). Elsewhere an inode that was freed is soon another file's. */
const tmpfs = 0x01021994

const ledgerName = /^\.aim-engine-[0-9a-f]{12}$/

/** Makes a ledger without anything in it. */
export const createLedger = (): Ledger => {
  let open: Opened | undefined
  let written = 0
  return {
    list: (inodes) => {
      if (inodes.size === written) return
      try {
        open ??= openLedger()
        if (inodes.size === 0) close(open)
        else writeSync(open.fd, [...inodes].map((inode) => `${inode}\n`).join(''), 0)
        if (inodes.size === 0) open = undefined
        written = inodes.size
      } catch {
        // No room, or not ours to write to: what a kill leaves stays then.
      }
    },
  }
}

/** Throws where it cannot be locked: others would take it for a dead one's. */
const openLedger = (): Opened => {
  if (statfsSync(sharedMemory).type !== tmpfs) throw new Error(`${sharedMemory} is no tmpfs`)
  const made = makeLocked(makeFile, close)
  if (made.locked) return made
  close(made)
  throw new Error(`${made.path} cannot be locked`)
}

const makeFile = (): Opened => {
  const path = join(sharedMemory, `.aim-engine-${randomBytes(6).toString('hex')}`)
  return { path, fd: openSync(path, 'wx', 0o600) }
}

const close = ({ path, fd }: Opened): void => {
  rmSync(path, { force: true })
  closeSync(fd)
}

/**
 * Removes what supervisors that were killed had listed, unless a process that can be seen has it mapped, whose engine outlived them. Gives the
 * bytes that were freed; never throws.
 */
export const sweepLedgers = (): number => {
  try {
    return readdirSync(sharedMemory)
      .filter((name) => ledgerName.test(name))
      .reduce((bytes, name) => bytes + sweepLedger(join(sharedMemory, name)), 0)
  } catch {
    return 0
  }
}

const sweepLedger = (path: string): number => {
  const fd = openQuietly(path)
  if (fd === undefined) return 0
  try {
    // Another uid's list could name what is not its own.
    const found = fstatSync(fd)
    if (!found.isFile() || found.uid !== process.geteuid?.() || lockAt(fd, path) !== true) return 0
    // Only whole lines: half a number is another file's.
    const inodes = new Set([...readFileSync(fd, 'latin1').matchAll(/^(\d+)\n/gm)].map(([, inode]) => Number(inode)))
    if (sharedMemoryOf(processIds()).some((inode) => inodes.has(inode))) return 0
    const bytes = removeSharedMemory(inodes)
    rmSync(path, { force: true })
    return bytes
  } catch {
    return 0
  } finally {
    closeSync(fd)
  }
}

const openQuietly = (path: string): number | undefined => {
  try {
    // A FIFO of that name would be waited at for ever.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch {
    // Not ours to read, or gone meanwhile.
    return undefined
  }
}
