import type { Part } from './timeline.ts'

/** One thing that is done to an engine that is up. */
export type Scenario = {
  /** Words after the engine's own command. */
  readonly arguments: readonly string[]
  /** Whether a stream is open when it is done. */
  readonly stream: boolean
  readonly signal: NodeJS.Signals
  readonly to: Part
}

const drain = ['--shutdown-timeout', '60']
const tracking = ['--enable-server-load-tracking']

/** What the observer can do; a SIGSTOP is followed by a new request, SIGCONT and a clean end. */
export const scenarios = {
  term_idle: { arguments: [], stream: false, signal: 'SIGTERM', to: 'api' },
  term_stream: { arguments: [], stream: true, signal: 'SIGTERM', to: 'api' },
  term_stream_timeout: { arguments: drain, stream: true, signal: 'SIGTERM', to: 'api' },
  kill_core: { arguments: [], stream: false, signal: 'SIGKILL', to: 'core' },
  kill_core_load: { arguments: [], stream: true, signal: 'SIGKILL', to: 'core' },
  kill_worker: { arguments: [], stream: false, signal: 'SIGKILL', to: 'worker' },
  stop_core_load: { arguments: [], stream: true, signal: 'SIGSTOP', to: 'core' },
  stop_core_idle: { arguments: tracking, stream: false, signal: 'SIGSTOP', to: 'core' },
  kill_api: { arguments: [], stream: false, signal: 'SIGKILL', to: 'api' },
} as const satisfies Readonly<Record<string, Scenario>>

/** The name of a scenario. */
export type ScenarioName = keyof typeof scenarios
