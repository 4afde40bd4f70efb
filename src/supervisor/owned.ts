/** Edge: listens to node:child_process. */
import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'

/**
 * Pids that libuv waits for itself, learnt from the channel on which node:child_process announces every child it makes. Whoever spawns
 * needs to tell nobody; a reaper that took one of these would swallow its exit event.
 */
export const ownedPids = (): ReadonlySet<number> => {
  const pids = new Set<number>()
  subscribe('child_process', (message) => {
    const child = (message as { readonly process: ChildProcess }).process
    // The pid is not there yet when the channel speaks; it is one microtask later, before any SIGCHLD can be handled.
    queueMicrotask(() => {
      if (child.pid === undefined) return
      const { pid } = child
      pids.add(pid)
      child.once('exit', () => pids.delete(pid))
    })
  })
  return pids
}
