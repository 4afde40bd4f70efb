/**
 * What the supervisor does next, as one pure and total function. The loop in `supervise.ts` performs the effects.
 *
 * ```
 * idle ──start──▶ pulling ──pulled──▶ starting ──listening──▶ warming ──answered──▶ ready ◀──probed──▶ unready
 *   │ failed         │ failed         ▲   └──────────┬──────────┘                     └────────┬────────┘
 *   │                │                │              │ exited                           shutdown │  exited, stalled
 *   ▼                ▼                │              ▼                                           ▼
 * terminated ◀────budget spent──── backoff ◀── reclaiming ◀──exited── stopping ◀────────── draining
 *      ▲                                          │              deadline: SIGTERM, then SIGKILL
 *      └─────────── reclaimed, next: terminate ───┘
 * ```
 * What stands still (a start's deadline, a serving engine's stall, one that is unready for too long) goes through `examining`: evidence is
 * collected while there is something to look at, then it is killed or, by policy, only reported. One that moves meanwhile goes on.
 *
 *
 * Entering a state is the only way to arm a deadline; `epoch` counts the entries, so that a timer of a state that is gone is known and
 * dropped. A pair (state, event) that is not named changes nothing: a supervisor must not die of a late message.
 */
import { type Exit, truthful } from './exit.ts'
import type { Policy } from './policy.ts'
import { backoffMs, withinBudget } from './restart.ts'

/** Why the current end began; the first one stays. A closed set: it labels metrics. */
export type Reason =
  | 'requested'
  | 'plan-failed'
  | 'pull-failed'
  | 'spawn-failed'
  | 'startup-stalled'
  | 'stalled'
  | 'engine-exited'
  | 'not-reclaimed'

type Next = 'restart' | 'terminate'
type From = 'starting' | 'warming' | 'ready'

/** Where the engine is in its life. */
export type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'pulling' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'warming' }
  | { readonly kind: 'ready' }
  /** `stalled`: the engine stands still and policy says to report it. */
  | { readonly kind: 'unready'; readonly stalled: boolean }
  /** It stands still: evidence is collected before anything is done about it. `from`: where it goes back to when it moves again. */
  | { readonly kind: 'examining'; readonly from: From }
  | { readonly kind: 'draining' }
  | { readonly kind: 'stopping'; readonly reason: Reason; readonly next: Next; readonly killed: boolean }
  | { readonly kind: 'reclaiming'; readonly reason: Reason; readonly next: Next; readonly exitCode: number }
  | { readonly kind: 'backoff'; readonly reason: Reason }
  | { readonly kind: 'terminated'; readonly reason: Reason; readonly exitCode: number }

/** What happened. `at` is milliseconds of a monotonic clock; `chance` in [0, 1) is drawn by the loop, so that jitter does not make the decision impure. */
export type Event = { readonly at: number; readonly chance: number } & (
  | { readonly kind: 'start' }
  /** No plan could be made, or the pull failed, or the engine could not be spawned. */
  | { readonly kind: 'failed'; readonly reason: 'plan-failed' | 'pull-failed' | 'spawn-failed'; readonly exitCode: number }
  | { readonly kind: 'pulled' }
  | { readonly kind: 'progressed' }
  | { readonly kind: 'listening' }
  | { readonly kind: 'answered' }
  | { readonly kind: 'probed'; readonly passed: boolean }
  | { readonly kind: 'stalled' }
  | { readonly kind: 'examined' }
  /** `permanent`: what the engine said shows that another try cannot help. */
  | { readonly kind: 'exited'; readonly exit: Exit; readonly permanent: boolean }
  | { readonly kind: 'reclaimed' }
  | { readonly kind: 'deadline'; readonly epoch: number }
  | { readonly kind: 'drained' }
  | { readonly kind: 'shutdown' }
)

/** What the loop is to do. */
export type Effect =
  | { readonly kind: 'pull' }
  | { readonly kind: 'spawn' }
  | { readonly kind: 'warm' }
  | { readonly kind: 'examine' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'reclaim' }
  | { readonly kind: 'signal'; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly kind: 'arm'; readonly epoch: number; readonly ms: number }
  | { readonly kind: 'exit'; readonly exitCode: number }

/** `failures` holds the times of the failures that still count against the restart budget. */
export type Lifecycle = { readonly state: State; readonly epoch: number; readonly failures: readonly number[] }

/** The next life, and what to do about it, in order. */
export type Step = { readonly next: Lifecycle; readonly effects: readonly Effect[] }

/** Before anything happened. */
export const initial: Lifecycle = { state: { kind: 'idle' }, epoch: 0, failures: [] }

/** The decision: total over every state and event. */
export const transition = (life: Lifecycle, event: Event, policy: Policy): Step => {
  if (event.kind === 'deadline' && event.epoch !== life.epoch) return stay(life)
  switch (life.state.kind) {
    case 'idle':
      if (event.kind === 'start') return enter(life, { kind: 'pulling' }, undefined, { kind: 'pull' })
      return preparing(life, event)
    case 'pulling':
      if (event.kind === 'pulled') return spawn(life, policy)
      return preparing(life, event)
    case 'starting':
      if (event.kind === 'listening') return enter(life, { kind: 'warming' }, policy.startupStallMs, { kind: 'warm' })
      if (event.kind === 'progressed') return enter(life, life.state, policy.startupStallMs)
      if (event.kind === 'failed') return terminate(life, event.reason, event.exitCode)
      return running(life, event, policy, 'starting')
    case 'warming':
      if (event.kind === 'answered') return enter(life, { kind: 'ready' }, undefined)
      if (event.kind === 'progressed') return enter(life, life.state, policy.startupStallMs)
      return running(life, event, policy, 'warming')
    case 'ready':
    case 'unready':
      if (event.kind === 'probed') return probed(life, event.passed, policy)
      if (event.kind === 'stalled') return isReported(life) ? stay(life) : examine(life, 'ready', policy)
      // What stands still drains nothing.
      if (event.kind === 'shutdown' && !isReported(life))
        return enter(life, { kind: 'draining' }, policy.drainDelayMs + policy.drainMs, { kind: 'drain' })
      return running(life, event, policy, 'ready')
    case 'examining':
      return examining(life, life.state.from, event, policy)
    case 'draining':
      if (event.kind === 'exited') return reclaim(life, 'engine-exited', 'terminate', truthful(event.exit), policy)
      if (event.kind === 'drained' || event.kind === 'deadline' || event.kind === 'shutdown')
        return stop(life, 'requested', 'terminate', policy)
      return stay(life)
    case 'stopping':
      return stopping(life, life.state, event, policy)
    case 'reclaiming':
      return reclaiming(life, life.state, event, policy)
    case 'backoff':
      if (event.kind === 'deadline') return spawn(life, policy)
      if (event.kind === 'shutdown') return terminate(life, 'requested', 0)
      return stay(life)
    case 'terminated':
      return stay(life)
    default:
      return life.state satisfies never
  }
}

const stay = (life: Lifecycle): Step => ({ next: life, effects: [] })

/** The only way to arm a deadline: `ms` after entering, unless undefined. */
const enter = (life: Lifecycle, state: State, ms: number | undefined, ...effects: readonly Effect[]): Step => {
  const epoch = life.epoch + 1
  return { next: { ...life, state, epoch }, effects: ms === undefined ? effects : [...effects, { kind: 'arm', epoch, ms }] }
}

/** Before there is an engine. */
const preparing = (life: Lifecycle, event: Event): Step => {
  if (event.kind === 'failed') return terminate(life, event.reason, event.exitCode)
  if (event.kind === 'shutdown') return terminate(life, 'requested', 0)
  return stay(life)
}

/** What may happen to an engine at any time while it should run; a deadline says that it stands still there. */
const running = (life: Lifecycle, event: Event, policy: Policy, from: From): Step => {
  if (event.kind === 'exited')
    return reclaim(life, 'engine-exited', afterExit(event.exit, event.permanent, policy), truthful(event.exit), policy)
  if (event.kind === 'deadline') return examine(life, from, policy)
  if (event.kind === 'shutdown') return stop(life, 'requested', 'terminate', policy)
  return stay(life)
}

const afterFailure = (policy: Policy): Next => (policy.restart.when === 'never' ? 'terminate' : 'restart')

const afterExit = (exit: Exit, permanent: boolean, policy: Policy): Next => {
  const wanted = !(policy.restart.when === 'on-failure' && exit.kind === 'code' && exit.code === 0)
  return wanted && !permanent ? afterFailure(policy) : 'terminate'
}

const probed = (life: Lifecycle, passed: boolean, policy: Policy): Step => {
  if (passed) return life.state.kind === 'ready' ? stay(life) : enter(life, { kind: 'ready' }, undefined)
  return life.state.kind === 'unready' ? stay(life) : enter(life, { kind: 'unready', stalled: false }, policy.stallMs)
}

const isReported = ({ state }: Lifecycle): boolean => state.kind === 'unready' && state.stalled

const examine = (life: Lifecycle, from: From, policy: Policy): Step =>
  enter(life, { kind: 'examining', from }, policy.examineMs, { kind: 'examine' })

const examining = (life: Lifecycle, from: From, event: Event, policy: Policy): Step => {
  if (event.kind === 'examined' || event.kind === 'deadline') return condemn(life, from, policy)
  if (from === 'ready') {
    if (event.kind === 'probed' && event.passed) return enter(life, { kind: 'ready' }, undefined)
    return running(life, event, policy, from)
  }
  if (event.kind === 'progressed') return enter(life, { kind: from }, policy.startupStallMs)
  if ((from === 'starting' && event.kind === 'listening') || (from === 'warming' && event.kind === 'answered'))
    return transition({ ...life, state: { kind: from } }, event, policy)
  return running(life, event, policy, from)
}

/** SIGKILL at once: what stands still does not end by being asked, and its clients wait. */
const condemn = (life: Lifecycle, from: From, policy: Policy): Step => {
  if (from !== 'ready') return kill(life, 'startup-stalled', afterFailure(policy), policy)
  if (policy.onStall === 'restart') return kill(life, 'stalled', afterFailure(policy), policy)
  return enter(life, { kind: 'unready', stalled: true }, undefined)
}

const stopping = (life: Lifecycle, state: State & { kind: 'stopping' }, event: Event, policy: Policy): Step => {
  const { reason, next, killed } = state
  if (event.kind === 'exited') return reclaim(life, reason, next, reason === 'requested' ? 0 : truthful(event.exit), policy)
  if (event.kind === 'deadline') return killed ? reclaim(life, 'not-reclaimed', 'terminate', 1, policy) : kill(life, reason, next, policy)
  if (event.kind !== 'shutdown') return stay(life)
  if (next === 'terminate') return killed ? stay(life) : kill(life, reason, next, policy)
  return enter(life, { ...state, reason: 'requested', next: 'terminate' }, killed ? policy.killMs : policy.stopMs)
}

const reclaiming = (life: Lifecycle, state: State & { kind: 'reclaiming' }, event: Event, policy: Policy): Step => {
  const { reason, next, exitCode } = state
  if (event.kind === 'reclaimed')
    return next === 'restart' ? failed(life, event, policy, reason, exitCode) : terminate(life, reason, exitCode)
  if (event.kind === 'deadline') return terminate(life, 'not-reclaimed', exitCode === 0 ? 1 : exitCode)
  if (event.kind === 'shutdown' && next === 'restart') {
    return enter(life, { kind: 'reclaiming', reason: 'requested', next: 'terminate', exitCode: 0 }, policy.reclaimMs)
  }
  return stay(life)
}

const spawn = (life: Lifecycle, policy: Policy): Step => enter(life, { kind: 'starting' }, policy.startupStallMs, { kind: 'spawn' })

const stop = (life: Lifecycle, reason: Reason, next: Next, policy: Policy): Step =>
  enter(life, { kind: 'stopping', reason, next, killed: false }, policy.stopMs, { kind: 'signal', signal: 'SIGTERM' })

const kill = (life: Lifecycle, reason: Reason, next: Next, policy: Policy): Step =>
  enter(life, { kind: 'stopping', reason, next, killed: true }, policy.killMs, { kind: 'signal', signal: 'SIGKILL' })

const reclaim = (life: Lifecycle, reason: Reason, next: Next, exitCode: number, policy: Policy): Step =>
  enter(life, { kind: 'reclaiming', reason, next, exitCode }, policy.reclaimMs, { kind: 'reclaim' })

const terminate = (life: Lifecycle, reason: Reason, exitCode: number): Step =>
  enter(life, { kind: 'terminated', reason, exitCode }, undefined, { kind: 'exit', exitCode })

const failed = (life: Lifecycle, event: Event, policy: Policy, reason: Reason, exitCode: number): Step => {
  const failures = withinBudget(life.failures, event.at, policy.restart)
  if (failures.length > policy.restart.intensity) return terminate({ ...life, failures }, reason, exitCode)
  return enter({ ...life, failures }, { kind: 'backoff', reason }, backoffMs(failures.length, event.chance, policy.restart))
}
