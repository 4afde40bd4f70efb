/** Time as an argument, so that what depends on it can be driven by a test. Edge: reads the process clock. */
export type Clock = {
  /** Milliseconds since an arbitrary point; never goes back. */
  readonly now: () => number
  /** Wall-clock milliseconds since 1970, for showing. */
  readonly wall: () => number
}

/** The real clock. */
export const systemClock: Clock = { now: () => performance.now(), wall: () => Date.now() }
