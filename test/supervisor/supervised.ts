/** A supervisor over a real program, for tests: what it says is collected and can be waited for. */
import { systemClock } from '../../src/std/clock.ts'
import { openLibc } from '../../src/std/libc.ts'
import { linesOf, toLines } from '../../src/std/lines.ts'
import type { Memory } from '../../src/supervisor/memory.ts'
import { ownedPids } from '../../src/supervisor/owned.ts'
import type { Policy } from '../../src/supervisor/policy.ts'
import type { Program } from '../../src/supervisor/program.ts'
import { startReaper } from '../../src/supervisor/reaper.ts'
import { createSupervisor, type Happening, type Supervisor, type Work } from '../../src/supervisor/supervise.ts'

/** Patient enough that no time of it passes in a test. */
export const policy: Policy = {
  startupStallMs: 10_000,
  stallMs: 10_000,
  onStall: 'restart',
  canaryMs: 0,
  examineMs: 5000,
  drainDelayMs: 0,
  drainMs: 10_000,
  stopMs: 10_000,
  killMs: 5000,
  reclaimMs: 10_000,
  restart: { when: 'always', intensity: 1, periodMs: 60_000, baseMs: 1, capMs: 10, healthyMs: 600_000 },
  roomMs: 5000,
  onHeld: 'retry',
}

/** A shell script as the engine: its last words are a real program's. */
export const shell = (script: string, over: Partial<Program> = {}): Program => ({
  file: '/bin/sh',
  arguments: ['-c', script],
  environment: { PATH: process.env.PATH ?? '' },
  directory: '/',
  ...over,
})

const owned = ownedPids()
const libc = openLibc()
libc?.becomeSubreaper()
const reaper = libc && startReaper(libc, owned)

/** A supervisor that runs, and what it said so far; `until` resolves with the first happening that is meant, past or to come. */
export type Watched = {
  readonly supervisor: Supervisor
  readonly happenings: readonly Happening[]
  readonly until: (seen: (happening: Happening) => boolean) => Promise<Happening>
}

/** Lines are only lent. */
const keep = (happening: Happening): Happening =>
  happening.kind === 'lines' ? { ...happening, lines: toLines(happening.lines.bytes.toString()) } : happening

/** Starts a supervisor whose engine is a program that listens and answers at once. */
export const start = (
  program: Program,
  over: {
    readonly policy?: Partial<Policy>
    readonly work?: Partial<Work>
    readonly memory?: Memory
    readonly spared?: ReadonlySet<number>
  } = {},
): Watched => {
  const happenings: Happening[] = []
  const waiting: { readonly seen: (happening: Happening) => boolean; readonly resolve: (happening: Happening) => void }[] = []
  const supervisor = createSupervisor({
    policy: { ...policy, ...over.policy },
    clock: systemClock,
    chance: () => 0,
    program: () => program,
    memory: () => over.memory,
    owned,
    spared: over.spared ?? new Set<number>(),
    reap: () => reaper?.reap(),
    onHappening: (happening) => {
      const kept = keep(happening)
      happenings.push(kept)
      for (const { seen, resolve } of waiting) if (seen(kept)) resolve(kept)
    },
    work: {
      pull: async () => undefined,
      listening: async () => undefined,
      warm: async () => undefined,
      watch: async () => undefined,
      drain: async () => undefined,
      examine: async () => undefined,
      failureOf: () => 74,
      verdict: () => ({ permanent: false }),
      ...over.work,
    },
  })
  supervisor.post({ kind: 'start' })
  const until: Watched['until'] = (seen) => {
    const past = happenings.find(seen)
    return past ? Promise.resolve(past) : new Promise((resolve) => waiting.push({ seen, resolve }))
  }
  return { supervisor, happenings, until }
}

/** It entered this state. */
export const state = (name: string) => (happening: Happening) => happening.kind === 'state' && happening.state.kind === name
/** It is over. */
export const ended = (happening: Happening) => happening.kind === 'end'
/** The engine wrote this line. */
export const line = (text: string) => (happening: Happening) =>
  happening.kind === 'lines' && linesOf(happening.lines.bytes.toString()).includes(text)
/** The exit code that an end has. */
export const codeOf = (happening: Happening) => (happening.kind === 'end' ? happening.exitCode : undefined)
/** Pids of the engines so far. */
export const spawned = (happenings: readonly Happening[]) =>
  happenings.flatMap((happening) => (happening.kind === 'spawned' ? [happening.pid] : []))
/** One engine and no other. */
export const never = { restart: { ...policy.restart, when: 'never' as const } }
