/** Edge: ends what is left of an engine's tree. */
import { setTimeout as delay } from 'node:timers/promises'
import { type ProcessReport, processTable, reportProcess } from './proc.ts'
import { descendantsOf, isAlive, type ProcessEntry } from './process-table.ts'
import { signalProcess } from './spawn.ts'

/** Between two looks; a killed process needs a moment to be gone. Milliseconds. */
const pollMs = 20

/** A process that SIGKILL did not end, for the report: in state D it sleeps in the kernel, at `wchan` and `stack` where these are readable. */
export type Survivor = Pick<ProcessReport, 'pid' | 'name' | 'state' | 'wchan' | 'stack'>

/**
 * Kills every descendant of ours that is not in `owned` (the children of other tools of ours), in other sessions too, until none is left.
 * Only our own descendants are touched: elsewhere a wider kill would hit a neighbour. Resolves with true when nothing is left, or with
 * false when `signal` aborts.
 */
export const sweep = async (owned: ReadonlySet<number>, reap: () => void, signal: AbortSignal): Promise<boolean> => {
  for (;;) {
    const left = strays(owned)
    reap()
    if (left.length === 0) return true
    if (signal.aborted) return false
    for (const { pid } of left) signalProcess(pid, 'SIGKILL')
    await delay(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

/** What `sweep` could not end, with where it hangs. */
export const survivors = (owned: ReadonlySet<number>): readonly Survivor[] => strays(owned).flatMap(({ pid }) => reportProcess(pid) ?? [])

const strays = (owned: ReadonlySet<number>): readonly ProcessEntry[] => descendantsOf(processTable(), process.pid, owned).filter(isAlive)
