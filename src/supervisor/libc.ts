/** Edge: the two system calls that Node has no function for, through the built-in node:ffi. */

/** waitpid(2) and prctl(2), as much of them as PID 1 needs. */
export type Libc = {
  /** Waits for one child without blocking; true when it was a zombie and is gone now. */
  readonly reap: (pid: number) => boolean
  /** Makes orphans among our descendants our children although we are not PID 1 (PR_SET_CHILD_SUBREAPER, prctl(2)); false when refused. */
  readonly becomeSubreaper: () => boolean
}

const WNOHANG = 1
const PR_SET_CHILD_SUBREAPER = 36

type Functions = {
  readonly waitpid: (pid: number, status: bigint, options: number) => number
  readonly prctl: (option: number, a: bigint, b: bigint, c: bigint, d: bigint) => number
}
type Ffi = { readonly dlopen: (path: null, symbols: object) => { readonly functions: Functions } }

const symbols = {
  waitpid: { return: 'int32', arguments: ['int32', 'pointer', 'int32'] },
  prctl: { return: 'int32', arguments: ['int32', 'uint64', 'uint64', 'uint64', 'uint64'] },
}

/** Opens the C library that Node itself is linked with; undefined where this Node has no node:ffi or this system none of the calls. */
export const openLibc = (): Libc | undefined => {
  const functions = quietly(() => (process.getBuiltinModule('node:ffi') as unknown as Ffi | undefined)?.dlopen(null, symbols).functions)
  if (!functions) return undefined
  return {
    reap: (pid) => functions.waitpid(pid, 0n, WNOHANG) === pid,
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
