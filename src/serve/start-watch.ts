/** Edge: looks at a starting engine from outside, for one that works without a word. */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../std/clock.ts'
import { firstSample, type Movement, notice, type TreeSample, type Witness } from '../supervisor/movement.ts'
import { sampleTree } from '../supervisor/proc.ts'

/** Between two looks: a fiftieth of the limit within these bounds; milliseconds. */
const pace = { least: 50, most: 5000 }

/** What is looked at. */
export type StartScene = {
  readonly stallMs: number
  readonly pid: () => number | undefined
  /** Lines that showed progress so far. */
  readonly lines: () => number
  /** Memory in use on the engine's GPUs. */
  readonly gpuBytes: () => Promise<number | undefined>
  /** Whether the engine is still on its way to ready. */
  readonly starting: () => boolean
  readonly onMoved: (witness: Witness) => void
  /** Called at each look. */
  readonly onLook: () => void
}

/** Reports each sign of movement until the engine is ready or `signal` aborts. What the log shows is reported by whoever reads it. */
export const watchStart = async (
  { stallMs, pid, lines, gpuBytes, starting, onMoved, onLook }: StartScene,
  signal: AbortSignal,
): Promise<void> => {
  let movement: Movement | undefined
  while (!signal.aborted && starting()) {
    const root = pid()
    const sample: TreeSample = {
      at: systemClock.now(),
      processes: root === undefined ? [] : await sampleTree(root),
      gpuBytes: await gpuBytes(),
      lines: lines(),
    }
    const noticed = movement === undefined ? undefined : notice(movement, sample, stallMs)
    movement = noticed?.next ?? firstSample(sample)
    if (noticed?.moved !== undefined && noticed.moved !== 'log' && !signal.aborted) onMoved(noticed.moved)
    onLook()
    await sleep(Math.min(pace.most, Math.max(pace.least, stallMs / 50)), undefined, { signal }).catch(() => undefined)
  }
}
