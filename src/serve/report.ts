import { endpointsOf } from '../engine/endpoints.ts'
import type { PhaseStatus, ProbeStatus, StartStatus, Status } from '../ops/status.ts'
import type { Launch } from '../plan/launch.ts'
import type { Clock } from '../std/clock.ts'
import type { Figures } from '../telemetry/metrics.ts'
import type { Stall } from './stall.ts'
import { type EngineFailure, restartsOf, type Story } from './story.ts'
import { nextOf } from './words.ts'

/** Every state's name, for the metric that has one sample of each. */
const states = [
  'idle',
  'pulling',
  'waiting',
  'starting',
  'warming',
  'ready',
  'unready',
  'examining',
  'draining',
  'stopping',
  'reclaiming',
  'backoff',
  'terminated',
] as const

/** What is known beside the story. */
export type Scene = {
  readonly clock: Clock
  readonly version: string
  readonly launch: Launch | undefined
  readonly pid: number | undefined
  readonly startup: StartStatus | undefined
}

/** The story as a probe tells it. */
export const probeStatusOf = (story: Story, clock: Clock): ProbeStatus => {
  const phase = story.phases.at(-1)
  return { ...headOf(story, clock), ...(phase === undefined ? {} : { phase: rounded(phase) }) }
}

const headOf = (story: Story, clock: Clock): Pick<Status, 'state' | 'since' | 'reason' | 'next'> => ({
  state: story.state.kind,
  since: timeOf(story.sinceMs, clock),
  reason: story.reason,
  next: nextOf(story.state),
})

/** The story as `/status` tells it. */
export const statusOf = (story: Story, { clock, version, launch, pid, startup }: Scene): Status => ({
  ...headOf(story, clock),
  ready: story.state.kind === 'ready',
  everReady: story.everReady,
  engine: {
    ...(launch === undefined ? {} : { name: launch.engine.name, url: endpointsOf(launch.engine.argv, {}).base }),
    ...(pid === undefined ? {} : { pid }),
  },
  ...(launch === undefined
    ? {}
    : { model: { id: launch.model.id, servedNames: launch.model.servedNames }, profile: { id: launch.profile.id } }),
  gpus: launch?.gpus.length ?? 0,
  restarts: restartsOf(story),
  phases: story.phases.map(rounded),
  ...(story.adjustments.length === 0 ? {} : { adjustments: story.adjustments }),
  ...(startup === undefined ? {} : { startup }),
  ...(story.stall === undefined ? {} : { stall: stallOf(story.stall, clock) }),
  ...(story.failure === undefined ? {} : { failure: failureOf(story.failure, clock) }),
  version,
})

const stallOf = ({ atMs, sentence, evidence }: Stall, clock: Clock): NonNullable<Status['stall']> => ({
  at: timeOf(atMs, clock),
  sentence,
  evidence,
})

const failureOf = ({ atMs, ...failure }: EngineFailure, clock: Clock): NonNullable<Status['failure']> => ({
  at: timeOf(atMs, clock),
  ...failure,
})

const timeOf = (atMs: number, clock: Clock): string => new Date(clock.wall() - (clock.now() - atMs)).toISOString()

const rounded = ({ startMs, endMs, ...phase }: PhaseStatus): PhaseStatus => ({
  ...phase,
  startMs: Math.round(startMs),
  ...(endMs === undefined ? {} : { endMs: Math.round(endMs) }),
})

/** The story as metrics. */
export const figuresOf = (
  story: Story,
  { clock, version, launch, pid, startup }: Scene,
  counts: { readonly reaped: () => number; readonly droppedLines: () => number },
): Figures => {
  const pull = story.phases.find(({ name }) => name === 'pull')
  return {
    version,
    state: story.state.kind,
    states,
    ready: story.state.kind === 'ready',
    engineUp: pid !== undefined,
    restarts: restartsOf(story),
    ends: story.ends,
    causes: story.causes,
    phases: Object.fromEntries(story.phases.map(({ name, startMs, endMs }) => [name, ((endMs ?? clock.now()) - startMs) / 1000])),
    ...(startup === undefined
      ? {}
      : {
          startup: {
            elapsedSeconds: startup.elapsedMs / 1000,
            stillSeconds: startup.stillMs / 1000,
            ...(startup.etaMs === undefined ? {} : { etaSeconds: startup.etaMs / 1000 }),
          },
        }),
    stalls: story.stalls,
    selfHelp: story.selfHelp,
    heldBytes: story.heldBytes,
    ...(story.readyMs === undefined ? {} : { readySeconds: story.readyMs / 1000 }),
    gpus: launch?.gpus.length ?? 0,
    pulledBytes: pull?.done ?? 0,
    pullBytes: pull?.total ?? 0,
    reaped: counts.reaped(),
    droppedLines: counts.droppedLines(),
  }
}
