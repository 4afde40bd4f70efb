/** Edge: what an engine occupies besides its own process: descendants, shared memory, GPU memory. */

import { createLedger } from './ledger.ts'
import type { Memory, MemoryReading, MemoryUse } from './memory.ts'
import { processTable } from './proc.ts'
import { descendantsOf, mayRead } from './process-table.ts'
import { type Leftovers, reclaim, untilRoom } from './reclaim.ts'
import { removeSharedMemory, sharedMemoryNow, sharedMemoryOf } from './shared-memory.ts'

/** The footprint of one engine after another. */
export type Footprint = {
  /** Calls `onRoom` when the GPU memory that the engine asks for is free; `onLacking` hears once, as phrases, what others hold. */
  readonly awaitRoom: (onLacking: (devices: readonly string[]) => void, onRoom: () => void) => void
  readonly stopWaiting: () => void
  /** An engine is about to be spawned: what is in use now is not its own. */
  readonly begin: () => void
  /** Remembers what the engine's tree keeps in /dev/shm now; cheap while nothing new is there. */
  readonly note: () => void
  /** Ends what lives of it and waits for its memory, within `ms`; asked again it begins anew and forgets the first asking. */
  readonly reclaim: (ms: number, done: (leftovers: Leftovers) => void) => void
  /** Does nothing any more. */
  readonly halt: () => void
}

/** What a footprint is measured with. */
export type FootprintOptions = {
  /** Our children that are not the engine's. */
  readonly others: () => ReadonlySet<number>
  readonly reap: () => void
  /** Asked before each start. */
  readonly memory: () => Memory | undefined
}

/** Parts of the given time, which leave some: the answer has to come before the deadline of the state that waits for it. */
const shares = { reclaim: 0.8, report: 0.1 }

/** Looks at the tree for whose a file in /dev/shm is, before it is taken for a neighbour's where that directory is shared. */
const looksPerFile = 5

/** Makes an empty footprint. */
export const createFootprint = ({ others, reap, memory: memoryNow }: FootprintOptions): Footprint => {
  let memory: Memory | undefined
  let level: Promise<MemoryUse> | undefined
  let before: Promise<MemoryReading> | undefined
  let waiting = new AbortController()
  let reclaiming = new AbortController()
  /** What the engine was seen to keep in /dev/shm. */
  const shared = new Set<number>()
  const ledger = createLedger()
  /** Files in /dev/shm that are not known to be the engine's, by how often was looked: those of before its spawn need no look. */
  const looked = new Map<number, number>()

  const note = (): void => {
    const open = sharedMemoryNow().filter((inode) => !shared.has(inode) && (looked.get(inode) ?? 0) < looksPerFile)
    if (open.length === 0) return
    const tree = descendantsOf(processTable(), process.pid, others()).filter(mayRead)
    const mapped = new Set(sharedMemoryOf(tree.map(({ pid }) => pid)))
    for (const inode of open) {
      if (mapped.has(inode)) shared.add(inode)
      else looked.set(inode, (looked.get(inode) ?? 0) + 1)
    }
    ledger.list(shared)
  }

  const onSwept = (): void => {
    removeSharedMemory(shared)
    shared.clear()
    ledger.list(shared)
  }
  return {
    awaitRoom: (onLacking, onRoom) => {
      memory = memoryNow()
      waiting = new AbortController()
      level = memory && untilRoom(memory, waiting.signal, onLacking)
      if (level === undefined) onRoom()
      else void level.then(onRoom)
    },
    stopWaiting: () => waiting.abort(),
    begin: () => {
      looked.clear()
      for (const inode of sharedMemoryNow()) looked.set(inode, looksPerFile)
      // The engine needs seconds before it touches a GPU, so who holds memory may be asked beside its start.
      const holders = memory?.holders()
      before = level && holders && Promise.all([level, holders]).then(([used, list]) => ({ used, holders: list }))
    },
    note,
    reclaim: (ms, done) => {
      // What is about to be killed can still tell.
      note()
      reclaiming.abort()
      reclaiming = new AbortController()
      const { signal: moot } = reclaiming
      const task = { except: others, reap, onSwept, memory, before }
      void reclaim(task, AbortSignal.any([moot, AbortSignal.timeout(ms * shares.reclaim)]), ms * shares.report).then((left) => {
        if (!moot.aborted) done(left)
      })
    },
    halt: () => {
      waiting.abort()
      reclaiming.abort()
    },
  }
}
