import type { State } from './states.ts'

/** HTTP status codes of the three probes. */
export type Health = { readonly startup: 200 | 503; readonly live: 200 | 503; readonly ready: 200 | 503 }

/**
 * The probes' answers, folded from the state alone, so that they cannot disagree with the machine. `startup` means *was ready once*;
 * `live` means that the supervisor can still bring the engine back; `ready` means that a real answer came out and nothing is known against it.
 */
export const healthOf = (state: State, everReady: boolean): Health => {
  if (state.kind === 'terminated') return { startup: 503, live: 503, ready: 503 }
  return {
    startup: everReady || state.kind === 'ready' ? 200 : 503,
    live: state.kind === 'unready' && state.stalled ? 503 : 200,
    ready: state.kind === 'ready' ? 200 : 503,
  }
}
