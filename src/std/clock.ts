/** Time as an argument, so that what depends on it can be driven by a test. Edge: reads the process clock. */
export type Clock = {
  /** Milliseconds since this process began; never goes back. */
  readonly now: () => number
  /** Wall-clock milliseconds since 1970, for showing. */
  readonly wall: () => number
}

/** The real clock. Of process, because `performance` loads a module of Node's on first use, on the way to the engine. */
export const systemClock: Clock = { now: () => process.uptime() * 1000, wall: () => Date.now() }
