import { formatDuration } from '../std/duration.ts'
import { gracePeriodMs, type Policy } from '../supervisor/policy.ts'
import type { Reason, State } from '../supervisor/states.ts'

/** What happens next in a state, in words. */
export const nextOf = (state: State): string => {
  switch (state.kind) {
    case 'idle':
      return 'looks at the machine and makes a plan'
    case 'pulling':
      return 'fetches the model, then starts the engine'
    case 'waiting':
      return 'starts the engine when the GPU memory that it asks for is free, or when the wait is over'
    case 'starting':
      return 'waits for the engine to listen; a start that moves has no time limit'
    case 'warming':
      return 'waits for a first real answer of the engine'
    case 'ready':
      return 'serves'
    case 'unready':
      if (state.suspended) return 'serves again when whoever put the engine to sleep wakes it'
      return state.stalled ? 'reports the stall and leaves it to the orchestrator' : 'serves again when the engine answers'
    case 'examining':
      return 'collects what shows why the engine stands still'
    case 'draining':
      return 'lets running requests finish, then stops the engine'
    case 'stopping':
      return state.killed ? 'has killed the engine and waits for its end' : `waits for the engine to end, then ${after(state.next)}`
    case 'reclaiming':
      return `makes sure that nothing of the engine is left, then ${after(state.next)}`
    case 'backoff':
      return 'waits a little, then starts the engine again'
    case 'terminated':
      return `exits with code ${state.exitCode}`
    default:
      return state satisfies never
  }
}

const after = (next: 'restart' | 'terminate'): string => (next === 'restart' ? 'starts it again' : 'exits')

/** Each reason of an end as a sentence. */
export const reasonSentence: Readonly<Record<Reason, string>> = {
  requested: 'a stop was asked for',
  'plan-failed': 'no plan could be made',
  'pull-failed': 'the model could not be fetched',
  'spawn-failed': 'the engine could not be started',
  'startup-stalled': 'the start of the engine stood still for too long',
  stalled: 'the engine stood still with work in flight',
  'engine-exited': 'the engine ended without being asked to',
  'not-reclaimed': 'processes of the engine could not be ended',
  'memory-held': 'GPU memory of the engine did not come back',
}

/** What is said beside a stop that has less time than its stages would take; empty when it has enough. */
export const hasteOf = (policy: Policy): Readonly<Record<string, string>> =>
  policy.requested === undefined
    ? {}
    : {
        within: formatDuration(gracePeriodMs(policy)),
        requests: formatDuration(policy.drainMs),
        fix: 'for more time set AIM_GRACE_PERIOD to what the container is given (docker stop -t, --stop-timeout, stop_grace_period)',
      }

/** A change of state, and why it came. */
export const stepSentence = (previous: State, state: State): string => {
  const why = 'reason' in state && state.reason !== 'requested' ? `: ${reasonSentence[state.reason]}` : ''
  return `${previous.kind} -> ${state.kind}${why}`
}

/** Whether the engine is ending because somebody wants that: then it does not matter what it ends with. */
export const wasAskedFor = (state: State): boolean => state.kind === 'stopping' && state.reason === 'requested'
