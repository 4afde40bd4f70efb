/**
 * What the supervisor does next, as one pure and total function. The loop in `supervise.ts` performs the effects.
 *
 * ```
 * idle ──start──▶ pulling ──pulled──▶ waiting ──room──▶ starting ──listening──▶ warming ──answered──▶ ready ◀──probed──▶ unready
 *   │ failed         │ failed         ▲                   └──────────┬──────────┘                     └────────┬────────┘
 *   │                │                │                              │ exited                           shutdown │  exited, stalled
 *   ▼                ▼                │                              ▼                                           ▼
 * terminated ◀────budget spent──── backoff ◀────────────────── reclaiming ◀──exited── stopping ◀────────── draining
 *      ▲                                                          │              deadline: SIGTERM, then SIGKILL
 *      └─────────────────── reclaimed, next: terminate ───────────┘
 * ```
 * `waiting` is for GPU memory that somebody else still holds; where nobody does it is left at once.
 *
 * What stands still (a start's deadline, a serving engine's stall, one that is unready for too long) goes through `examining`: evidence is
 * collected while there is something to look at, then it is killed or, by policy, only reported. One that moves meanwhile goes on.
 *
 * Entering a state is the only way to arm a deadline; `epoch` counts the entries, so that a timer of a state that is gone is known and
 * dropped. A pair (state, event) that is not named changes nothing: a supervisor must not die of a late message.
 */
import { type Exit, truthful } from './exit.ts'
import { type Policy, type Stages, stagesFor } from './policy.ts'
import { backoffMs, withinBudget } from './restart.ts'
import type { Effect, Event, From, Lifecycle, Next, Reason, State, Step } from './states.ts'

/** The decision: total over every state and event. */
export const transition = (life: Lifecycle, event: Event, policy: Policy): Step => {
  const { next, effects } = decide(life, event, policy)
  if (next.state.kind === 'ready')
    return life.state.kind === 'ready' ? { next, effects } : { next: { ...next, readyAt: event.at }, effects }
  // An engine that served for long starts with a clean sheet when it fails.
  const forgiven = life.state.kind === 'ready' && event.at - (life.readyAt ?? event.at) >= policy.restart.healthyMs
  return forgiven ? { next: { ...next, failures: [] }, effects } : { next, effects }
}

const decide = (life: Lifecycle, event: Event, policy: Policy): Step => {
  if (event.kind === 'deadline' && event.epoch !== life.epoch) return stay(life)
  switch (life.state.kind) {
    case 'idle':
      if (event.kind === 'start') return enter(life, { kind: 'pulling' }, undefined, { kind: 'pull' })
      return preparing(life, event)
    case 'pulling':
      if (event.kind === 'pulled') return wait(life, policy)
      return preparing(life, event)
    case 'waiting':
      if (event.kind === 'room' || event.kind === 'deadline') return spawn(life, policy)
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
      if (event.kind === 'suspended') return suspend(life)
      if (event.kind === 'stalled') return isReported(life) ? stay(life) : examine(life, 'ready', policy)
      // What stands still drains nothing.
      if (event.kind === 'shutdown' && !isReported(life))
        return enter(life, { kind: 'draining' }, policy.drainDelayMs + policy.drainMs, { kind: 'drain' })
      return running(life, event, policy, 'ready')
    case 'examining':
      return examining(life, life.state.from, event, policy)
    case 'draining':
      if (event.kind === 'exited') return reclaim(life, 'engine-exited', 'terminate', event.exitCode ?? truthful(event.exit), policy)
      if (event.kind === 'drained' || event.kind === 'deadline' || event.kind === 'shutdown')
        return stop(life, 'requested', 'terminate', policy)
      return stay(life)
    case 'stopping':
      return stopping(life, life.state, event, policy)
    case 'reclaiming':
      return reclaiming(life, life.state, event, policy)
    case 'backoff':
      if (event.kind === 'deadline') return wait(life, policy)
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

/** While there is no engine. */
const preparing = (life: Lifecycle, event: Event): Step => {
  if (event.kind === 'failed') return terminate(life, event.reason, event.exitCode)
  if (event.kind === 'shutdown') return terminate(life, 'requested', 0)
  return stay(life)
}

/** What may happen to an engine at any time while it should run; a deadline says that it stands still there. */
const running = (life: Lifecycle, event: Event, policy: Policy, from: From): Step => {
  if (event.kind === 'exited')
    return reclaim(life, 'engine-exited', afterExit(event.exit, event.permanent, policy), event.exitCode ?? truthful(event.exit), policy)
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
  return life.state.kind === 'unready' && !life.state.suspended
    ? stay(life)
    : enter(life, { kind: 'unready', stalled: false }, policy.stallMs)
}

const suspend = (life: Lifecycle): Step =>
  life.state.kind === 'unready' && life.state.suspended
    ? stay(life)
    : enter(life, { kind: 'unready', stalled: false, suspended: true }, undefined)

const isReported = ({ state }: Lifecycle): boolean => state.kind === 'unready' && state.stalled

const examine = (life: Lifecycle, from: From, policy: Policy): Step =>
  enter(life, { kind: 'examining', from }, policy.examineMs, { kind: 'examine' })

const examining = (life: Lifecycle, from: From, event: Event, policy: Policy): Step => {
  if (event.kind === 'examined' || event.kind === 'deadline') return condemn(life, from, policy)
  if (from === 'ready') {
    if (event.kind === 'probed' && event.passed) return enter(life, { kind: 'ready' }, undefined)
    if (event.kind === 'suspended') return suspend(life)
    return running(life, event, policy, from)
  }
  if (event.kind === 'progressed') return enter(life, { kind: from }, policy.startupStallMs)
  if ((from === 'starting' && event.kind === 'listening') || (from === 'warming' && event.kind === 'answered'))
    return decide({ ...life, state: { kind: from } }, event, policy)
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
  if (event.kind === 'deadline') return killed ? giveUp(life, reason, policy) : kill(life, reason, next, policy)
  if (event.kind !== 'shutdown') return stay(life)
  if (next === 'terminate') return killed ? stay(life) : kill(life, reason, next, policy)
  const { killMs, stopMs } = stagesFor(policy, true)
  return enter(life, { ...state, reason: 'requested', next: 'terminate' }, killed ? killMs : stopMs)
}

const reclaiming = (life: Lifecycle, state: State & { kind: 'reclaiming' }, event: Event, policy: Policy): Step => {
  const { reason, next, exitCode } = state
  if (event.kind === 'reclaimed') {
    if (next === 'terminate') return terminate(life, reason, exitCode)
    if (!event.held) return failed(life, event, policy, reason, exitCode)
    return policy.onHeld === 'exit' ? terminate(life, 'memory-held', exitCode) : failed(life, event, policy, 'memory-held', exitCode)
  }
  if (event.kind === 'deadline') return terminate(life, 'not-reclaimed', exitCode === 0 ? 1 : exitCode)
  return event.kind === 'shutdown' && next === 'restart' ? reclaim(life, 'requested', 'terminate', 0, policy) : stay(life)
}

const wait = (life: Lifecycle, policy: Policy): Step => enter(life, { kind: 'waiting' }, policy.roomMs, { kind: 'await-room' })

const spawn = (life: Lifecycle, policy: Policy): Step => enter(life, { kind: 'starting' }, policy.startupStallMs, { kind: 'spawn' })

const stages = (policy: Policy, reason: Reason): Stages => stagesFor(policy, reason === 'requested')

const stop = (life: Lifecycle, reason: Reason, next: Next, policy: Policy): Step => {
  const signal: Effect = { kind: 'signal', signal: 'SIGTERM' }
  return enter(life, { kind: 'stopping', reason, next, killed: false }, stages(policy, reason).stopMs, signal)
}

const kill = (life: Lifecycle, reason: Reason, next: Next, policy: Policy): Step => {
  const signal: Effect = { kind: 'signal', signal: 'SIGKILL' }
  return enter(life, { kind: 'stopping', reason, next, killed: true }, stages(policy, reason).killMs, signal)
}

const reclaim = (life: Lifecycle, reason: Reason, next: Next, exitCode: number, policy: Policy): Step =>
  reclaimWithin(life, { kind: 'reclaiming', reason, next, exitCode }, stages(policy, reason).reclaimMs)

/** SIGKILL did not end it: it hangs in the kernel. */
const giveUp = (life: Lifecycle, reason: Reason, policy: Policy): Step =>
  reclaimWithin(life, { kind: 'reclaiming', reason: 'not-reclaimed', next: 'terminate', exitCode: 1 }, stages(policy, reason).reclaimMs)

const reclaimWithin = (life: Lifecycle, state: State, ms: number): Step => enter(life, state, ms, { kind: 'reclaim', ms })

const terminate = (life: Lifecycle, reason: Reason, exitCode: number): Step =>
  enter(life, { kind: 'terminated', reason, exitCode }, undefined, { kind: 'exit', exitCode })

const failed = (life: Lifecycle, event: Event, policy: Policy, reason: Reason, exitCode: number): Step => {
  const failures = withinBudget(life.failures, event.at, policy.restart)
  if (failures.length > policy.restart.intensity) return terminate({ ...life, failures }, reason, exitCode)
  return enter({ ...life, failures }, { kind: 'backoff', reason }, backoffMs(failures.length, event.chance, policy.restart))
}
