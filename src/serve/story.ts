import { type PhaseSign, phaseNames } from '../engine/adapter.ts'
import type { PhaseStatus } from '../ops/status.ts'
import type { State } from '../supervisor/states.ts'
import type { Stall } from './stall.ts'

/** Why an engine ended that nobody had asked to. */
export type EngineFailure = {
  readonly atMs: number
  readonly cause: string
  readonly sentence: string
  readonly fix?: string
  readonly evidence: readonly string[]
}

/** What has happened so far, as one value: status, metrics and last words are read from it and nowhere else. Times are milliseconds since our start. */
export type Story = {
  readonly state: State
  readonly sinceMs: number
  readonly everReady: boolean
  readonly readyMs?: number
  /** Why the engine last ended or could not start; empty while nothing went wrong. */
  readonly reason: string
  readonly spawns: number
  readonly ends: Readonly<Record<string, number>>
  /** Failures of the engine by cause (a closed set). */
  readonly causes: Readonly<Record<string, number>>
  /** The last failure of the engine; it stays after the restart, for whoever comes to look. */
  readonly failure?: EngineFailure
  readonly phases: readonly PhaseStatus[]
  /** When something was last seen to move on the way to ready, and by what. */
  readonly moved: { readonly atMs: number; readonly by?: string }
  /** The last standstill; it stays after the restart, for whoever comes to look. */
  readonly stall?: Stall
  /** What is served otherwise than planned, because the plan did not fit; sentences, which stay. */
  readonly adjustments: readonly string[]
  /** How often something was tried against a failure, by kind (a closed set): context, memory-wait. */
  readonly selfHelp: Readonly<Record<string, number>>
  /** GPU memory that did not come back after the last end, by device; bytes. */
  readonly heldBytes: Readonly<Record<string, number>>
  /** Standstills so far by the phase in which they came, `serving` after the start. */
  readonly stalls: Readonly<Record<string, number>>
}

/** The beginning. */
export const opening: Story = {
  state: { kind: 'idle' },
  sinceMs: 0,
  everReady: false,
  reason: '',
  spawns: 0,
  ends: {},
  causes: {},
  phases: [],
  moved: { atMs: 0 },
  adjustments: [],
  selfHelp: {},
  heldBytes: {},
  stalls: {},
}

/** The lifecycle entered a state. */
export const enterState = (story: Story, state: State, at: number): Story => {
  const ready = state.kind === 'ready'
  const ended = state.kind === 'reclaiming' ? { [state.reason]: (story.ends[state.reason] ?? 0) + 1 } : {}
  return {
    ...story,
    state,
    sinceMs: at,
    everReady: story.everReady || ready,
    ...(ready && story.readyMs === undefined ? { readyMs: at } : {}),
    // What went wrong before is history once an answer has come out again.
    reason: ready ? '' : story.reason,
    heldBytes: ready ? {} : story.heldBytes,
    ends: { ...story.ends, ...ended },
  }
}

/** A new engine: its phases begin anew, those before it (detect, plan, pull) are kept. */
export const countSpawn = (story: Story, at: number): Story => {
  const spawn = story.phases.findIndex(({ name }) => name === 'spawn')
  const kept = spawn === -1 ? story.phases : story.phases.slice(0, spawn)
  return beginPhase({ ...story, spawns: story.spawns + 1, phases: kept, moved: { atMs: at } }, 'spawn', at)
}

/** A phase begins and ends the one before it; naming the current one again changes nothing. */
export const beginPhase = (story: Story, name: string, at: number): Story =>
  story.phases.at(-1)?.name === name ? story : { ...endPhase(story, at), phases: [...endPhase(story, at).phases, { name, startMs: at }] }

/**
 * Follows what a line of a starting engine says. Ranks tell the same things one after the other, so that a sign of an earlier phase is none;
 * kernels are built whenever one is missing, which is a detail of the phase that needs it.
 */
export const followSign = (story: Story, { phase, done, total, detail }: PhaseSign, at: number): Story => {
  const known: readonly string[] = phaseNames
  const earlier = known.indexOf(phase) < known.indexOf(story.phases.at(-1)?.name ?? '')
  if (earlier) return phase === 'kernel-jit' && detail !== undefined ? progressPhase(story, { detail: `builds ${detail}` }) : story
  const steps = done === undefined || total === undefined ? {} : { done, total, unit: 'steps' as const }
  return progressPhase(beginPhase(story, phase, at), { ...steps, ...(detail === undefined ? {} : { detail }) })
}

/** Something moved on the way to ready. */
export const move = (story: Story, by: string, at: number): Story => ({ ...story, moved: { atMs: at, by } })

/** Whether the current phase goes on in a state: a start that is looked at may move again. */
export const isUnderWay = ({ kind }: State): boolean => ['pulling', 'starting', 'warming', 'examining'].includes(kind)

/** The current phase is over and nothing follows yet. */
export const endPhase = (story: Story, at: number): Story =>
  updateLast(story, (phase) => (phase.endMs === undefined ? { ...phase, endMs: at } : phase))

/** How far the current phase is. */
export const progressPhase = (story: Story, progress: Pick<PhaseStatus, 'done' | 'total' | 'unit' | 'detail'>): Story =>
  updateLast(story, (phase) => ({ ...phase, ...progress }))

/** It stands still, in this phase of its start or while `serving`. */
export const standStill = (story: Story, stall: Stall, phase: string): Story => ({
  ...story,
  reason: stall.sentence,
  stall,
  stalls: { ...story.stalls, [phase]: (story.stalls[phase] ?? 0) + 1 },
})

/** What was collected about the last standstill. */
export const addEvidence = (story: Story, evidence: readonly string[]): Story =>
  story.stall === undefined ? story : { ...story, stall: { ...story.stall, evidence } }

/** The engine failed. */
export const failWith = (story: Story, failure: EngineFailure): Story => ({
  ...explain(story, failure.sentence),
  failure,
  causes: { ...story.causes, [failure.cause]: (story.causes[failure.cause] ?? 0) + 1 },
})

/** What is served is not what was planned from now on. */
export const adjust = (story: Story, sentence: string): Story => ({ ...story, adjustments: [...story.adjustments, sentence] })

/** Something is tried against a failure. */
export const countHelp = (story: Story, kind: 'context' | 'memory-wait'): Story => ({
  ...story,
  selfHelp: { ...story.selfHelp, [kind]: (story.selfHelp[kind] ?? 0) + 1 },
})

/** Something went wrong that the next state does not say. */
export const explain = (story: Story, reason: string): Story => ({ ...story, reason })

const updateLast = (story: Story, change: (phase: PhaseStatus) => PhaseStatus): Story => {
  const last = story.phases.at(-1)
  return last === undefined ? story : { ...story, phases: [...story.phases.slice(0, -1), change(last)] }
}

/** How often the engine was started again. */
export const restartsOf = (story: Story): number => Math.max(0, story.spawns - 1)
