/** Edge: watches over a serving engine: its server's health, and whether it gets on. */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../std/clock.ts'
import { processTableInTurns } from '../supervisor/proc.ts'
import { descendantsOf } from '../supervisor/process-table.ts'
import type { Seen } from '../supervisor/supervise.ts'
import { firstLook, isDoubtful, type Look, observe, type Watchdog } from '../supervisor/watchdog.ts'
import { lookAtHealth, oneAnswer, type Target, text } from './work.ts'

/** Between two looks at the server's health; milliseconds. */
const healthPaceMs = 1000
/** Looks without any answer in a row before an engine counts as unready, as a kubelet's failureThreshold; one that says no counts at once. */
const failureThreshold = 3
/** Between two looks at the engine's counters: a twentieth of the limit within these bounds; milliseconds. */
const lookPace = { least: 100, most: 5000 }

/** What the two watches know together, and the canary. */
type Sight = {
  /** Looks at the server's health in a row without an answer; infinite after a no. */
  failures: number
  /** Why it stands still; undefined while it gets on. */
  stalled: string | undefined
  suspended: boolean
  signs: number
  canary: boolean
  /** The core that the canary under way was sent to, where there are several. */
  asked: string | undefined
  /** Canaries in a row that were refused. */
  refusals: number
}

/** Reports health and stalls until aborted. `signs` counts lines of the engine that show work; `onStall` hears why, and when it is over. */
export const watch = async (
  target: Target & { readonly signs: () => number; readonly onStall: (sentence: string | undefined) => void },
  signal: AbortSignal,
  report: (seen: Seen) => void,
): Promise<void> => {
  const sight: Sight = { failures: 0, stalled: undefined, suspended: false, signs: 0, canary: false, asked: undefined, refusals: 0 }
  const tell = (): void => {
    if (sight.stalled !== undefined) report({ kind: 'stalled' })
    else if (sight.failures >= failureThreshold || sight.refusals >= failureThreshold) report({ kind: 'probed', passed: false })
    else report(sight.suspended ? { kind: 'suspended' } : { kind: 'probed', passed: true })
  }
  await Promise.all([watchHealth(target, sight, signal, tell), watchWork(target, sight, signal, tell)])
}

const watchHealth = async (target: Target, sight: Sight, signal: AbortSignal, tell: () => void): Promise<void> => {
  while (!signal.aborted) {
    const healthy = await lookAtHealth(target.endpoints, signal)
    if (signal.aborted) return
    sight.failures = healthy === true ? 0 : healthy === false ? Number.POSITIVE_INFINITY : sight.failures + 1
    // Between one failure and the threshold the last word stands.
    if (sight.failures === 0 || sight.failures >= failureThreshold) tell()
    await pause(healthPaceMs, signal)
  }
}

const watchWork = async (target: Parameters<typeof watch>[0], sight: Sight, signal: AbortSignal, tell: () => void): Promise<void> => {
  const { stallMs, canaryMs } = target.policy
  let dog: Watchdog | undefined
  while (!signal.aborted) {
    const look = await lookAtWork(target, sight, dog, signal)
    if (look === undefined || signal.aborted) return
    const verdict = dog === undefined ? undefined : observe(dog, look, { stallMs, canaryMs })
    dog = verdict?.next ?? firstLook(look)
    const changed = (sight.stalled === undefined) !== (verdict?.stalled === undefined)
    sight.stalled = verdict?.stalled
    if (changed) target.onStall(sight.stalled)
    if (look.suspended && !sight.suspended) target.note('somebody put the engine to sleep or paused it: a request would wait')
    if (changed || look.suspended !== sight.suspended) {
      sight.suspended = look.suspended
      tell()
    }
    // After one that was refused the next ones come at once: three of them are a no.
    const doubted = sight.refusals > 0 && !sight.canary && !look.suspended
    if (verdict?.sendCanary || doubted) void sendCanary(target, sight, signal, verdict?.ask)
    await pause(Math.min(lookPace.most, Math.max(lookPace.least, stallMs / 20)), signal)
  }
}

const lookAtWork = async (
  target: Parameters<typeof watch>[0],
  sight: Sight,
  dog: Watchdog | undefined,
  signal: AbortSignal,
): Promise<Look | undefined> => {
  const { adapter, endpoints, policy } = target
  const ask = (url: string | undefined): Promise<string | undefined> => text(url, endpoints, signal).catch(() => undefined)
  const [load, metrics, ...states] = await Promise.all([endpoints.load, endpoints.metrics, ...endpoints.suspensions].map(ask))
  if (signal.aborted) return undefined
  const pulse = metrics === undefined ? undefined : adapter.readPulse(metrics)
  if (dog !== undefined && isDoubtful(dog, policy) && (await compiles(target))) sight.signs++
  return {
    at: systemClock.now(),
    // Without an answer the last word stands: a slow server must not start the clocks anew.
    cores: pulse?.cores ?? dog?.last.cores ?? {},
    front: adapter.readLoad(load),
    suspended: pulse?.asleep === true || states.some((state) => state !== undefined && adapter.saysSuspended(state)),
    signs: sight.signs + target.signs(),
    canary: sight.canary,
    asked: sight.asked,
  }
}

/** A compiler below us that runs: kernels are built while requests wait. */
const compiles = async ({ adapter }: Target): Promise<boolean> =>
  descendantsOf(await processTableInTurns(), process.pid).some(({ name, state }) => /^[RD]$/.test(state) && adapter.compilers.test(name))

const sendCanary = async (target: Target, sight: Sight, signal: AbortSignal, core: string | undefined): Promise<void> => {
  sight.canary = true
  sight.asked = core
  const wrong = await oneAnswer(target, signal, core).catch(() => 'aborted')
  sight.canary = false
  sight.asked = undefined
  if (signal.aborted) return
  // One core's answer shows in its own counters and is no sign of the others.
  if (wrong === undefined) sight.signs += core === undefined ? 1 : 0
  else target.note(`no answer to a smallest request that was to show that the engine still works: ${wrong}`)
  sight.refusals = wrong === undefined ? 0 : sight.refusals + 1
}

const pause = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined)
