/** Edge: the system calls that Node has no function for, through the built-in node:ffi. */

/** waitid(2), waitpid(2), prctl(2), _exit(2), flock(2) and pipe2(2), as much of them as PID 1 and the cache need. */
export type Libc = {
  /** Waits for one child without blocking; true when it was a zombie and is gone now. */
  readonly reap: (pid: number) => boolean
  /** The pid of a child that has ended and was not waited for yet, and stays so; undefined when there is none. */
  readonly ended: () => number | undefined
  /** Makes orphans among our descendants our children although we are not PID 1 (PR_SET_CHILD_SUBREAPER, prctl(2)); false when refused. */
  readonly becomeSubreaper: () => boolean
  /**
   * Takes a lock on an open file without waiting (flock(2)); false when another open file has it. The kernel gives it back when the file is
   * closed, so that it outlives no process.
   */
  readonly lock: (fd: number, how: 'exclusive' | 'shared') => boolean
  /** A pipe that holds `bytes` where the kernel grants that (F_SETPIPE_SZ, fcntl(2)) and no child inherits by itself; undefined when refused. */
  readonly pipe: (bytes: number) => Pipe | undefined
  /** Ends this process at once: process.exit() joins the threads of the pool first, and one that hangs in a write would hold it for ever. */
  readonly exit: (code: number) => void
}

/** The two ends of a pipe(2), open. */
export type Pipe = { readonly read: number; readonly write: number }

const WNOHANG = 1
const WEXITED = 4
const WNOWAIT = 0x01000000
const P_ALL = 0
/** si_pid in siginfo_t, and the size of that (linux/include/uapi/asm-generic/siginfo.h, 64 bit). */
const siginfo = { pid: 16, size: 128 }
const PR_SET_CHILD_SUBREAPER = 36
const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4
const O_CLOEXEC = 0o2000000
const F_SETPIPE_SZ = 1031

type Functions = {
  readonly waitpid: (pid: number, status: bigint, options: number) => number
  readonly waitid: (type: number, id: number, found: Buffer, options: number) => number
  readonly _exit: (code: number) => void
  readonly flock: (fd: number, operation: number) => number
  readonly pipe2: (ends: Buffer, flags: number) => number
  readonly fcntl: (fd: number, command: number, argument: number) => number
  readonly prctl: (option: number, a: bigint, b: bigint, c: bigint, d: bigint) => number
}
type Ffi = { readonly dlopen: (path: null, symbols: object) => { readonly functions: Functions } }

const symbols = {
  waitpid: { return: 'int32', arguments: ['int32', 'pointer', 'int32'] },
  waitid: { return: 'int32', arguments: ['int32', 'uint32', 'buffer', 'int32'] },
  _exit: { return: 'void', arguments: ['int32'] },
  flock: { return: 'int32', arguments: ['int32', 'int32'] },
  pipe2: { return: 'int32', arguments: ['buffer', 'int32'] },
  fcntl: { return: 'int32', arguments: ['int32', 'int32', 'int32'] },
  prctl: { return: 'int32', arguments: ['int32', 'uint64', 'uint64', 'uint64', 'uint64'] },
}

let opened: { readonly libc: Libc | undefined } | undefined

/** Opens the C library that Node itself is linked with, once; undefined where this Node has no node:ffi or this system none of the calls. */
export const openLibc = (): Libc | undefined => {
  opened ??= { libc: open() }
  return opened.libc
}

const open = (): Libc | undefined => {
  const functions = quietly(() => (process.getBuiltinModule('node:ffi') as unknown as Ffi | undefined)?.dlopen(null, symbols).functions)
  if (!functions) return undefined
  const found = Buffer.alloc(siginfo.size)
  const ends = Buffer.alloc(8)
  return {
    reap: (pid) => functions.waitpid(pid, 0n, WNOHANG) === pid,
    ended: () => {
      if (process.platform !== 'linux') return undefined
      // Without a child that ended it may be left as it was.
      found.fill(0)
      return functions.waitid(P_ALL, 0, found, WEXITED | WNOHANG | WNOWAIT) === 0 ? found.readInt32LE(siginfo.pid) || undefined : undefined
    },
    lock: (fd, how) => functions.flock(fd, (how === 'exclusive' ? LOCK_EX : LOCK_SH) | LOCK_NB) === 0,
    pipe: (bytes) => {
      if (functions.pipe2(ends, O_CLOEXEC) !== 0) return undefined
      const [read, write] = [ends.readInt32LE(0), ends.readInt32LE(4)]
      functions.fcntl(read, F_SETPIPE_SZ, bytes)
      return { read, write }
    },
    exit: (code) => functions._exit(code),
    becomeSubreaper: () => process.platform === 'linux' && functions.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) === 0,
  }
}

/** node:ffi warns once that it is experimental; a flag against it would be lost under a Kubernetes `command:`, so it is caught here. */
const quietly = <T>(open: () => T): T | undefined => {
  const emitWarning = process.emitWarning
  process.emitWarning = () => undefined
  try {
    return open()
  } catch {
    return undefined
  } finally {
    process.emitWarning = emitWarning
  }
}
