/** Edge: SIGCHLD and timers. */
import type { Libc } from '../std/libc.ts'
import { childPids } from './proc.ts'

/** A slow net under SIGCHLD, which the kernel merges when many come at once; milliseconds. */
const netMs = 5000
/** Reaped in one go, then probes get their turn: a storm of orphans must not silence us. */
const atOnce = 1000

/** What a reaper has done so far, and a way to make it look at once. */
export type Reaper = { readonly reaped: () => number; readonly reap: () => void }

/**
 * Reaps the children that were adopted (orphans of the engine's tree, of a `docker exec`), as init must; libuv waits only for those it
 * spawned, which are in `owned` and left alone.
 */
export const startReaper = (libc: Libc, owned: ReadonlySet<number>): Reaper => {
  let count = 0
  const reap = (): void => {
    for (let left = atOnce; left > 0; left--) {
      const pid = libc.ended()
      if (pid === undefined) return
      // One that libuv has not waited for yet would be named again and again, so the others are looked for behind it.
      if (owned.has(pid)) {
        reapListed()
        return
      }
      if (libc.reap(pid)) count++
    }
    setImmediate(reap)
  }
  const reapListed = (): void => {
    for (const pid of childPids()) if (!owned.has(pid) && libc.reap(pid)) count++
  }
  process.on('SIGCHLD', reap)
  setInterval(reap, netMs).unref()
  return { reaped: () => count, reap }
}
