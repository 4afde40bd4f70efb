/** Edge: SIGCHLD and a timer. */
import type { Libc } from './libc.ts'
import { childPids } from './proc.ts'

/** A slow net under SIGCHLD, which the kernel merges when many come at once; milliseconds. */
const netMs = 5000

/** What a reaper has done so far, and a way to make it look at once. */
export type Reaper = { readonly reaped: () => number; readonly reap: () => void }

/**
 * Reaps the children that were adopted (orphans of the engine's tree, of a `docker exec`), as init must; libuv waits only for those it
 * spawned, which are in `owned` and left alone.
 */
export const startReaper = (libc: Libc, owned: ReadonlySet<number>): Reaper => {
  let count = 0
  const reap = (): void => {
    for (const pid of childPids()) if (!owned.has(pid) && libc.reap(pid)) count++
  }
  process.on('SIGCHLD', reap)
  setInterval(reap, netMs).unref()
  return { reaped: () => count, reap }
}
