/**
 * Tells an engine that stands still from one that is slow, busy, idle, asleep or was paused. Work is in flight when any witness says so:
 * the engine's cores, whoever counts requests in front of them, or a canary of ours (one smallest request). A stall is work in flight and
 * no step of the engine for `stallMs`. Pure: one look after the other is folded into the clocks.
 */

/** What one core of the engine says about itself. */
export type Core = {
  readonly inFlight: number
  /** Changes whenever the core took a step; otherwise it means nothing. */
  readonly progress: string
}

/** What one look at a serving engine showed. `at`: milliseconds of a monotonic clock. */
export type Look = {
  readonly at: number
  /** By the engine's own number of the core; empty when it tells nothing. */
  readonly cores: Readonly<Record<string, Core>>
  /** Requests in flight as those in front of the cores count them; undefined when nobody does. */
  readonly front: number | undefined
  /** Asleep or paused because somebody asked for it: nothing has to move. */
  readonly suspended: boolean
  /** Changes with each other sign that the engine gets on: a canary's answer, a kernel that was built, a compiler at work. */
  readonly signs: number
  /** A canary was sent and has no answer yet. */
  readonly canary: boolean
  /** The core that it was sent to, where there are several. */
  readonly asked?: string | undefined
}

/** Limits in milliseconds. `canaryMs` 0: an idle engine is not asked. */
export type WatchLimits = { readonly stallMs: number; readonly canaryMs: number }

/** The clocks after a look; each counts time without a step. */
export type Watchdog = {
  readonly last: Look
  /** Per core, while it has work. */
  readonly cores: Readonly<Record<string, number>>
  /** While somebody else than a core says that there is work. */
  readonly frontMs: number
  /** Whether there is work or not. */
  readonly quietMs: number
  /** Per core, while it has none. */
  readonly idle: Readonly<Record<string, number>>
  /** While a canary for one core has no answer. */
  readonly askedMs: number
}

/** What a look leads to. */
export type Verdict = {
  readonly next: Watchdog
  /** Which witness has waited for too long, in words; undefined when all is well. */
  readonly stalled: string | undefined
  /** Ask for one token now. */
  readonly sendCanary: boolean
  /** Of this core: it is idle for the longest time. Undefined where there is only one. */
  readonly ask: string | undefined
}

/** Longest time between two looks that counts, in milliseconds: what is beyond passed while nobody ran, we ourselves included. */
const longestStepMs = (stallMs: number): number => Math.min(15_000, stallMs / 4)

/** The clocks at the first look. */
export const firstLook = (look: Look): Watchdog => ({ last: look, cores: {}, frontMs: 0, quietMs: 0, idle: {}, askedMs: 0 })

/** Folds a look into the clocks. */
export const observe = (dog: Watchdog, look: Look, limits: WatchLimits): Verdict => {
  const { last } = dog
  const step = Math.min(Math.max(0, look.at - last.at), longestStepMs(limits.stallMs))
  const sign = look.suspended || last.suspended || look.signs !== last.signs
  const moved = (id: string): boolean => sign || look.cores[id]?.progress !== last.cores[id]?.progress
  const anyMoved = sign || Object.keys(look.cores).some(moved)
  const tick = (ms: number, resets: boolean): number => (resets ? 0 : ms + step)
  const next: Watchdog = {
    last: look,
    cores: Object.fromEntries(
      Object.entries(look.cores).map(([id, { inFlight }]) => [id, tick(dog.cores[id] ?? 0, inFlight === 0 || moved(id))]),
    ),
    // From the second look that sees it on: the first one may have come at the same moment.
    frontMs: tick(dog.frontMs, anyMoved || !(hasFront(look) && hasFront(last))),
    // An end of a canary, with an answer or without, begins a new quiet time: they come at a low rate.
    quietMs: tick(dog.quietMs, anyMoved || (last.canary && !look.canary)),
    idle: Object.fromEntries(
      Object.entries(look.cores).map(([id, { inFlight }]) => [
        id,
        tick(dog.idle[id] ?? 0, inFlight > 0 || moved(id) || (last.asked === id && !look.canary)),
      ]),
    ),
    askedMs: tick(dog.askedMs, look.asked === undefined || look.asked !== last.asked || moved(look.asked)),
  }
  const ask = mostIdle(next)
  // The others' work says nothing of a core that has none.
  const unasked = ask !== undefined && limits.canaryMs > 0 && !look.canary && !look.suspended && (next.idle[ask] ?? 0) >= limits.canaryMs
  return { next, stalled: stalledBy(next, limits), sendCanary: unasked || wantsCanary(next, limits), ask }
}

const mostIdle = ({ idle }: Watchdog): string | undefined =>
  Object.keys(idle).length < 2 ? undefined : Object.keys(idle).toSorted((a, b) => (idle[b] ?? 0) - (idle[a] ?? 0))[0]

const hasFront = ({ canary, front }: Look): boolean => canary || (front ?? 0) > 0

/** A count in front of the cores can be wrong (vLLM's keeps requests whose client left), so that it takes a canary without an answer too. */
const stalledBy = ({ cores, frontMs, askedMs, last }: Watchdog, { stallMs }: WatchLimits): string | undefined => {
  const core = Object.keys(cores).find((id) => (cores[id] ?? 0) >= stallMs)
  if (core !== undefined) return `core ${core} has ${requests(last.cores[core]?.inFlight ?? 0)} in flight and takes no step`
  if (askedMs >= stallMs) return `core ${last.asked} was idle, and gives no answer to a smallest request`
  if (frontMs < stallMs || !last.canary) return undefined
  const counted = last.front ?? 0
  return counted > 1
    ? `${counted} requests are in flight and no step is taken`
    : 'the engine was idle, and gives no answer to a smallest request'
}

const requests = (count: number): string => (count === 1 ? '1 request' : `${count} requests`)

/** Not to an engine that has work and says so: there the work itself is the canary. */
const wantsCanary = ({ last, quietMs, frontMs }: Watchdog, { stallMs, canaryMs }: WatchLimits): boolean => {
  if (last.canary || last.suspended || Object.values(last.cores).some(({ inFlight }) => inFlight > 0)) return false
  const doubted = frontMs >= stallMs / 2
  return doubted ? quietMs >= stallMs / 2 : canaryMs > 0 && quietMs >= canaryMs
}

/** Whether a clock is past half its limit: time to look for costlier signs of life. */
export const isDoubtful = ({ cores, frontMs, askedMs }: Watchdog, { stallMs }: WatchLimits): boolean =>
  Math.max(frontMs, askedMs) >= stallMs / 2 || Object.values(cores).some((ms) => ms >= stallMs / 2)
