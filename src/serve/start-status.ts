import type { PhaseStatus, StartStatus } from '../ops/status.ts'
import { formatDuration } from '../std/duration.ts'
import { estimate, type PastStart, sinceSpawn } from './eta.ts'
import type { Story } from './story.ts'

/** A start that shows no sign for so long is called stalled, long before it is ended for it; milliseconds. */
const stillMs = 60_000

/** States on the way to ready. */
const onTheWay: ReadonlySet<string> = new Set(['idle', 'pulling', 'waiting', 'starting', 'warming', 'examining'])

/** How the start stands at `at`; undefined when none is under way. `past`: the last start with the same key. */
export const startStatus = (story: Story, past: PastStart | undefined, at: number, startupStallMs: number): StartStatus | undefined => {
  const current = story.phases.at(-1)
  const { state } = story
  if (current === undefined || !onTheWay.has(state.kind) || (state.kind === 'examining' && state.from === 'ready')) return undefined
  const begun = story.spawns > 1 ? sinceSpawn(story.phases)[0] : story.phases[0]
  const eta = estimate(story.phases, past, at)
  const still = Math.max(0, at - Math.max(story.moved.atMs, current.startMs))
  return {
    phase: current.name,
    elapsedMs: Math.round(at - (begun?.startMs ?? 0)),
    ...(eta === undefined ? {} : { etaMs: Math.round(eta) }),
    ...(past === undefined ? {} : { lastMs: past.totalMs }),
    verdict: still >= Math.min(stillMs, startupStallMs) ? 'stalled' : 'progressing',
    stillMs: Math.round(still),
    ...(story.moved.by === undefined ? {} : { movedBy: story.moved.by }),
    ...(state.kind === 'starting' || state.kind === 'warming' ? { endsInMs: Math.round(Math.max(0, startupStallMs - still)) } : {}),
  }
}

/** The same as one line: `weights 3 of 8, 41.0s so far, about 2m 0s left (the last start took 3m 1s)`. */
export const describeStart = (
  { phase, elapsedMs, etaMs, lastMs, verdict, stillMs: still, endsInMs }: StartStatus,
  last: PhaseStatus | undefined,
): string =>
  [
    `${phase}${stepsOf(last)}, ${formatDuration(elapsedMs)} so far`,
    ...(etaMs === undefined
      ? []
      : [`about ${formatDuration(etaMs)} left${lastMs === undefined ? '' : ` (the last start took ${formatDuration(lastMs)})`}`]),
    ...(verdict === 'progressing' ? [] : [`nothing has moved for ${formatDuration(still)}`]),
    ...(verdict === 'progressing' || endsInMs === undefined ? [] : [`it is ended in ${formatDuration(endsInMs)} unless it moves`]),
  ].join(', ')

const stepsOf = (phase: PhaseStatus | undefined): string => {
  if (phase?.done === undefined || phase.total === undefined || phase.total === 0) return ''
  return phase.unit === 'steps' ? ` ${phase.done} of ${phase.total}` : ` ${Math.floor((100 * phase.done) / phase.total)}%`
}
