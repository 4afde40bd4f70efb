/** How many connections to use, as a state that is fed one sample a second. Started low, since more are not always faster. */
export type Pace = {
  readonly limit: number
  /** The number before the last step up, to go back to when it did not pay. */
  readonly before: number
  /** Bytes per second at `before`. */
  readonly rate: number
  /** The best rate lately: what a collapse is told from. */
  readonly best: number
  /** Samples to wait until the next step. */
  readonly hold: number
  readonly low: number
}

/** One second: bytes that came, whether a server asked to slow down, and whether every connection had work. */
export type Sample = { readonly rate: number; readonly throttled: boolean; readonly busy: boolean }

/** Connections at the start: four held a rate where six were seen to collapse (huggingface_hub issue 4893). */
export const firstLimit = 4
/** Connections at most: aria2c's number, and as many as its users give it. */
export const lastLimit = 16

const settle = 2
const patience = 15
const step = 4

/** The beginning. */
export const startPace: Pace = { limit: firstLimit, before: firstLimit, rate: 0, best: 0, hold: settle, low: 0 }

const halve = (pace: Pace): Pace => {
  const limit = Math.max(1, Math.floor(pace.limit / 2))
  return { limit, before: limit, rate: 0, best: 0, hold: patience, low: 0 }
}

/**
 * The next second's number: up by a few while each step brings a twentieth more, back when it did not, half when a server asks for it or
 * when the rate stays below half of the best for three seconds.
 */
export const adapt = (pace: Pace, { rate, throttled, busy }: Sample): Pace => {
  if (throttled) return halve(pace)
  if (!busy) return { ...pace, low: 0, hold: Math.max(pace.hold, settle) }
  const best = Math.max(rate, pace.best * 0.99)
  const low = rate < best / 2 ? pace.low + 1 : 0
  if (low >= 3) return halve(pace)
  if (low > 0 || pace.hold > 0) return { ...pace, best, low, hold: Math.max(0, pace.hold - 1) }
  if (pace.limit > pace.before && rate < pace.rate * 1.05) return { ...pace, limit: pace.before, best, low, hold: patience }
  const limit = Math.min(lastLimit, pace.limit + step)
  return { limit, before: pace.limit, rate, best, hold: settle, low }
}
