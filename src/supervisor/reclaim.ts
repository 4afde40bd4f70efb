/** Edge: waits until nothing of an engine is left, processes first, then what they held of GPU memory. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Held, heldSince, type Memory, type MemoryReading, type MemoryUse } from './memory.ts'
import { type Survivor, survivors, sweep } from './sweep.ts'

/** Between two looks at the memory: well below the 100 ms within which a restart has to begin. Milliseconds. */
const pollMs = 40
/** Looks after which it is asked again who holds it, which costs a file for each user of each GPU. */
const looksPerHolders = 25

/** What is left at the end of the given time; `users` are phrases on who can be seen to use the devices that are held. */
export type Leftovers = { readonly survivors: readonly Survivor[]; readonly held: readonly Held[]; readonly users: readonly string[] }

/** What to reclaim: all our descendants but `except`, and the memory above the level of `before`. */
export type Reclaim = {
  readonly except: () => ReadonlySet<number>
  readonly reap: () => void
  /** No process is left, or none that can be ended. */
  readonly onSwept: () => void
  readonly memory: Memory | undefined
  readonly before: Promise<MemoryReading> | undefined
}

/** Ends what lives and waits for the memory; resolves when both are done or `signal` aborts, at most `reportMs` later. */
export const reclaim = async (
  { except, reap, onSwept, memory, before }: Reclaim,
  signal: AbortSignal,
  reportMs: number,
): Promise<Leftovers> => {
  const atEnd = memory?.holders()
  const clean = await sweep(except(), reap, signal)
  onSwept()
  const alive = clean ? [] : survivors(except())
  if (alive.length > 0 || memory === undefined || before === undefined || atEnd === undefined)
    return { survivors: alive, held: [], users: [] }
  const held = await untilBack(memory, await before, { used: {}, holders: await atEnd }, signal)
  const users = held.length === 0 ? [] : await Promise.race([memory.describeUsers(held.map(({ device }) => device)), delay(reportMs, [])])
  return { survivors: [], held, users }
}

const untilBack = async (memory: Memory, before: MemoryReading, atEnd: MemoryReading, signal: AbortSignal): Promise<readonly Held[]> => {
  for (let looks = 0; ; looks++) {
    const used = await memory.used()
    if (isBack(used, before.used, memory)) return []
    // The level alone cannot tell the engine's memory from what a neighbour took meanwhile.
    if (signal.aborted || looks % looksPerHolders === 0) {
      const held = heldSince({ before, atEnd, now: { used, holders: await memory.holders() } }, memory.tolerance)
      if (signal.aborted || held.length === 0) return held
    }
    // Aborted it looks once more at once: an answer after the deadline would be none.
    await delay(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

const isBack = (used: MemoryUse, level: MemoryUse, { tolerance }: Memory): boolean =>
  Object.entries(used).every(([device, bytes]) => bytes - (level[device] ?? bytes) <= tolerance(device))

/** Resolves with the level when the engine has the memory that it asks for, or as it is when `signal` aborts; `onLacking` hears once what is missing. */
export const untilRoom = async (
  { used, lacking }: Memory,
  signal: AbortSignal,
  onLacking: (devices: readonly string[]) => void,
): Promise<MemoryUse> => {
  for (let looks = 0; ; looks++) {
    const now = await used()
    const missing = lacking(now)
    if (missing.length === 0 || signal.aborted) return now
    if (looks === 0) onLacking(missing)
    await delay(pollMs, undefined, { signal }).catch(() => undefined)
  }
}
