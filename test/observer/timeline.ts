/** What a probe got: an HTTP status, nothing listening (or the connection broken), or silence. */
export type Answer = number | 'refused' | 'timeout'

/** Which process of an engine something is done to. */
export type Part = 'api' | 'core' | 'worker'

/** One look from outside. Counts are what /metrics and /load say; undefined when they were not to be had. */
export type Look = {
  readonly health: Answer
  readonly metrics: Answer
  readonly running?: number | undefined
  readonly waiting?: number | undefined
  /** Engine steps so far. */
  readonly steps?: number | undefined
  readonly load?: number | undefined
}

/**
 * How a stream ended: `whole` with a finish and `[DONE]`, `cut` with `[DONE]` before its finish, `broken` without `[DONE]`,
 * `abandoned` because nothing came any more and the client left.
 */
export type StreamEnd = 'whole' | 'cut' | 'broken' | 'abandoned'

/** What happened, without when. */
export type Happening =
  | { readonly what: 'spawned' | 'ready' | 'answered' | 'still alive' }
  | { readonly what: 'not ready'; readonly output: readonly string[] }
  | { readonly what: 'stream open'; readonly chunks: number }
  | { readonly what: 'stream ended'; readonly chunks: number; readonly end: StreamEnd }
  | { readonly what: 'signal'; readonly signal: NodeJS.Signals; readonly to: Part }
  | ({ readonly what: 'probe' } & Look)
  | { readonly what: 'frozen'; readonly before: Look; readonly after: Look; readonly requestAnswered: boolean }
  | { readonly what: 'recovered' }
  | { readonly what: 'exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly what: 'left'; readonly processes: readonly string[] }

/** A happening and how many seconds after the spawn. */
export type TimelineEvent = { readonly t: number } & Happening

/** A whole observation. Within `settle` seconds after a signal a 200 may still be the answer of the moment before. */
export type Timeline = { readonly command: readonly string[]; readonly settle: number; readonly events: readonly TimelineEvent[] }

/** What must agree between two engines that behave alike: no times, no counts that depend on speed. */
export type Shape = {
  /** Milestones in their order. */
  readonly order: readonly string[]
  /** What /health and /metrics answered after the first signal, repeats folded. */
  readonly health: readonly Answer[]
  readonly metrics: readonly Answer[]
  /** What a frozen engine showed; only where one was frozen. */
  readonly frozen?: {
    readonly health: Answer
    readonly metrics: Answer
    readonly moves: boolean
    readonly requestAnswered: boolean
    readonly running: number | undefined
    readonly waiting: number | undefined
    readonly load?: number | undefined
  }
  /** Names of the engine's processes that were left, sorted. */
  readonly left: readonly string[]
}

const milestone = (event: Happening): readonly string[] => {
  if (event.what === 'probe' || event.what === 'left' || event.what === 'stream open') return []
  if (event.what === 'signal') return [`${event.signal} to ${event.to}`]
  if (event.what === 'stream ended') return [`stream ${event.end}`]
  if (event.what === 'exited') return [`exited ${event.signal ?? event.code}`]
  return [event.what]
}

const fold = (answers: readonly Answer[]): readonly Answer[] => answers.filter((answer, index) => answer !== answers[index - 1])

const answersAfter = (timeline: Timeline, pick: (look: Look) => Answer): readonly Answer[] => {
  const signal = timeline.events.find((event) => event.what === 'signal')
  const from = signal?.t ?? 0
  const looks = timeline.events.flatMap((event) => (event.what === 'probe' && event.t >= from ? [event] : []))
  return fold(
    looks
      .map((look) => ({ answer: pick(look), t: look.t }))
      .filter(({ answer, t }) => answer !== 200 || t > from + timeline.settle)
      .map(({ answer }) => answer),
  )
}

const frozenOf = (timeline: Timeline): Pick<Shape, 'frozen'> => {
  const event = timeline.events.find((candidate) => candidate.what === 'frozen')
  if (event?.what !== 'frozen') return {}
  const { before, after, requestAnswered } = event
  const { health, metrics, running, waiting, load } = after
  const moves = before.steps !== after.steps
  return { frozen: { health, metrics, moves, requestAnswered, running, waiting, ...(load === undefined ? {} : { load }) } }
}

// Python's helper for shared memory outlives everything by a moment; it holds nothing.
const isOwn = (name: string): boolean => !name.startsWith('python')

/** Reduces a timeline to its shape. */
export const shapeOf = (timeline: Timeline): Shape => ({
  order: timeline.events.flatMap(milestone),
  health: answersAfter(timeline, (look) => look.health),
  metrics: answersAfter(timeline, (look) => look.metrics),
  ...frozenOf(timeline),
  left: timeline.events.flatMap((event) => (event.what === 'left' ? event.processes.filter(isOwn) : [])).sort(),
})
