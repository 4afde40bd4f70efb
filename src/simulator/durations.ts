/**
 * How long the real engine takes, in seconds at speed 1: a start of 60 s as captured (vLLM 0.32.0, tiny model, 2 cores: 18 s of imports in
 * the API server, 16 in the core, 18 in the worker, one after the other), compile and capture as a small GPU model has them, and what follows a signal.
 */
export const durations = {
  apiImport: 18,
  config: 0.5,
  coreImport: 16,
  workerImport: 16,
  /** Of all shards together. */
  weights: 3,
  compile: 3,
  profile: 0.5,
  kvCache: 0.2,
  capture: 2,
  http: 0.5,
  /** From SIGTERM with nothing to drain to the exit. */
  abort: 1.2,
  /** From the end of the last drained request until the workers are gone, until the core is, until the server is (6.7 together). */
  workerTeardown: 3.7,
  coreTeardown: 2.5,
  serverTeardown: 0.5,
  /** From the core's death to the exit: the watchdog looks every 5 seconds. */
  watchdog: 5,
} as const
