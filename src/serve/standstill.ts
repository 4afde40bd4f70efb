/** Watches over a serving engine and looks at one that stands still. Acts only through what it is given. */
import type { EngineAdapter } from '../engine/adapter.ts'
import type { Clock } from '../std/clock.ts'
import { type Lines, linesOf } from '../std/lines.ts'
import type { Policy } from '../supervisor/policy.ts'
import type { Supervisor, Work } from '../supervisor/supervise.ts'
import type { Log } from '../telemetry/log.ts'
import { fixOf, nameStall } from './stall.ts'
import { addEvidence, type Story, standStill } from './story.ts'
import type { Target } from './work.ts'

/** What is needed for it. */
export type StandstillOptions = {
  readonly adapter: EngineAdapter
  readonly clock: Clock
  readonly log: Log
  readonly policy: Policy
  readonly target: () => Target
  readonly story: () => Story
  readonly change: (change: (story: Story) => Story) => void
  readonly supervisor: () => Pick<Supervisor, 'life'>
}

/** The two pieces of work for the supervisor, and the lines that an engine says while it serves. */
export type Standstill = Pick<Work, 'watch' | 'examine'> & { readonly onLines: (lines: Lines) => void }

/** Makes one; nothing happens by itself. */
export const createStandstill = ({ adapter, clock, log, policy, target, story, change, supervisor }: StandstillOptions): Standstill => {
  /** Lines that show work which the engine counts nowhere: kernels that are built. */
  let signs = 0
  /** What the watchdog says; undefined while all is well. */
  let witness: string | undefined
  return {
    onLines: ({ bytes }) => {
      if (adapter.mayTell(bytes)) signs += linesOf(bytes.toString()).filter(adapter.showsWork).length
    },
    watch: async (signal, report) => {
      const { watch } = await import('./watch.ts')
      witness = undefined
      const onStall = (sentence: string | undefined): void => {
        witness = sentence
      }
      await watch({ ...target(), note: (sentence) => log.write('warning', sentence), signs: () => signs, onStall }, signal, report)
    },
    examine: async (signal, pid, lines) => {
      const { state } = supervisor().life()
      const from = state.kind === 'examining' ? state.from : 'ready'
      const phase = story().phases.at(-1)
      const sentence = nameStall(from, phase, witness, policy)
      const stall = { atMs: clock.now(), sentence, fix: fixOf(from), evidence: [] }
      change((now) => standStill(now, stall, from === 'ready' ? 'serving' : (phase?.name ?? 'none')))
      log.write('warning', sentence)
      const { examine } = await import('./examine.ts')
      const evidence = await examine(target(), signal, pid, lines)
      change((now) => addEvidence(now, evidence))
      for (const line of evidence) log.write('warning', line)
    },
  }
}
