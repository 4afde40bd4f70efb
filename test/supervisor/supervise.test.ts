import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '../../src/std/clock.ts'
import { openLibc } from '../../src/std/libc.ts'
import type { Memory } from '../../src/supervisor/memory.ts'
import { ownedPids } from '../../src/supervisor/owned.ts'
import type { Policy } from '../../src/supervisor/policy.ts'
import { processTable } from '../../src/supervisor/proc.ts'
import type { Program } from '../../src/supervisor/program.ts'
import { startReaper } from '../../src/supervisor/reaper.ts'
import { createSupervisor, type Happening, type Supervisor, type Work } from '../../src/supervisor/supervise.ts'

const policy: Policy = {
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
const shell = (script: string, over: Partial<Program> = {}): Program => ({
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

type Watched = {
  readonly supervisor: Supervisor
  readonly happenings: readonly Happening[]
  readonly until: (seen: (happening: Happening) => boolean) => Promise<Happening>
}

/** Starts a supervisor whose engine is a program that listens and answers at once. */
const start = (
  program: Program,
  over: { readonly policy?: Partial<Policy>; readonly work?: Partial<Work>; readonly memory?: Memory } = {},
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
    spared: new Set<number>(),
    reap: () => reaper?.reap(),
    onHappening: (happening) => {
      happenings.push(happening)
      for (const { seen, resolve } of waiting) if (seen(happening)) resolve(happening)
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

const state = (name: string) => (happening: Happening) => happening.kind === 'state' && happening.state.kind === name
const ended = (happening: Happening) => happening.kind === 'end'
const line = (text: string) => (happening: Happening) => happening.kind === 'line' && happening.line === text
const codeOf = (happening: Happening) => (happening.kind === 'end' ? happening.exitCode : undefined)
const spawned = (happenings: readonly Happening[]) =>
  happenings.flatMap((happening) => (happening.kind === 'spawned' ? [happening.pid] : []))
const never = { restart: { ...policy.restart, when: 'never' as const } }

describe('createSupervisor()', () => {
  test('starts again after a crash and ends with the code of the engine when the budget is spent', async () => {
    const { happenings, until } = start(shell('exit 7'))
    assert.equal(codeOf(await until(ended)), 7)
    assert.equal(spawned(happenings).length, 2)
  })

  for (const [claim, script, code] of [
    ['an exit 0 that nobody asked for becomes 1', 'exit 0', 1],
    ['255 comes through', 'exit 255', 255],
    ['a death by SIGSEGV is 139', 'kill -SEGV $$', 139],
  ] as const) {
    test(claim, async () => assert.equal(codeOf(await start(shell(script), { policy: never }).until(ended)), code))
  }

  test('is not ready from the moment on that the engine is gone, though a child of it holds its output open', async () => {
    const { happenings, until } = start(shell('sleep 60 & echo up; sleep 0.2; exit 3'), { policy: never })
    await until(ended)
    const order = happenings.flatMap((happening) =>
      happening.kind === 'exited' ? ['exited'] : happening.kind === 'state' ? [happening.state.kind] : [],
    )
    assert.deepEqual(order.slice(order.indexOf('ready'), order.indexOf('reclaiming')), ['ready', 'unready', 'exited'])
  })

  test('127 for what is not there, 126 for what cannot be run, and no second try', async () => {
    const missing = start(shell('', { file: '/no/such/engine' }))
    assert.equal(codeOf(await missing.until(ended)), 127)
    const forbidden = start(shell('', { file: '/etc/passwd', arguments: [] }))
    assert.equal(codeOf(await forbidden.until(ended)), 126)
    assert.deepEqual(
      [missing, forbidden].map(({ happenings }) => happenings.filter(({ kind }) => kind === 'spawn-failed').length),
      [1, 1],
    )
  })

  test('the engine leads a session and a process group of its own, with default signal dispositions and no signal blocked', async () => {
    process.on('SIGUSR2', () => undefined)
    // exec: a shell that waits for a child blocks signals meanwhile, and it is the engine's own mask that counts.
    const { happenings, until } = start(shell('echo session $(ps -o sid= -p $$) $$; exec cat /proc/self/status'), { policy: never })
    await until(ended)
    const lines = happenings.flatMap((happening) => (happening.kind === 'line' ? [happening.line] : []))
    const [, sid, pid] = /session\s+(\d+)\s+(\d+)/.exec(lines[0] ?? '') ?? []
    assert.equal(sid, pid)
    assert.deepEqual(
      lines.filter((text) => /^Sig(Blk|Ign)/.test(text)).map((text) => text.split('\t')[1]),
      ['0000000000000000', '0000000000000000'],
    )
  })

  test('drains, then ends with 0 when asked to stop', async () => {
    const { supervisor, happenings, until } = start(shell('trap "exit 0" TERM; echo up; while :; do sleep 0.05; done'))
    await until(line('up'))
    await until(state('ready'))
    supervisor.post({ kind: 'shutdown' })
    assert.equal(codeOf(await until(ended)), 0)
    const states = happenings.flatMap((happening) => (happening.kind === 'state' ? [happening.state.kind] : []))
    assert.deepEqual(states, ['pulling', 'waiting', 'starting', 'warming', 'ready', 'draining', 'stopping', 'reclaiming', 'terminated'])
  })

  test('kills an engine that ignores SIGTERM', async () => {
    const { supervisor, happenings, until } = start(shell('trap "" TERM; echo up; while :; do sleep 0.05; done'), {
      policy: { stopMs: 50 },
    })
    await until(line('up'))
    await until(state('ready'))
    supervisor.post({ kind: 'shutdown' })
    assert.equal(codeOf(await until(ended)), 0)
    assert.ok(
      happenings.some(
        (happening) => happening.kind === 'exited' && happening.exit.kind === 'signal' && happening.exit.signal === 'SIGKILL',
      ),
    )
  })

  test('leaves nothing of the tree: neither a worker in a session of its own nor one forked twice', {
    skip: process.platform !== 'linux' && 'needs /proc',
  }, async () => {
    const marker = `aim-stray-${process.pid}`
    const { until } = start(
      shell(`setsid sh -c 'sleep 1000 # ${marker}' & (sh -c 'setsid sh -c "sleep 1000 # ${marker}" &') ; sleep 0.1; exit 3`),
      { policy: never },
    )
    assert.equal(codeOf(await until(ended)), 3)
    assert.deepEqual(
      processTable().filter((entry) => entry.parent === process.pid && entry.name === 'sleep'),
      [],
    )
  })

  test('the spawn after a crash comes only when the old tree is gone: never two engines', async () => {
    const { happenings, until } = start(shell('setsid sleep 1000 & exit 1'))
    await until(ended)
    const order = happenings.flatMap((happening) =>
      happening.kind === 'spawned' ? ['spawned'] : happening.kind === 'state' && happening.state.kind === 'backoff' ? ['reclaimed'] : [],
    )
    assert.deepEqual(order, ['spawned', 'reclaimed', 'spawned'])
  })

  test('a pull that fails ends it with its own code and spawns nothing', async () => {
    const { happenings, until } = start(shell('exit 0'), { work: { pull: () => Promise.reject(new Error('disk full')) } })
    assert.equal(codeOf(await until(ended)), 74)
    assert.deepEqual(spawned(happenings), [])
  })

  test('a start that stands still is ended', async () => {
    const pending = { listening: () => new Promise<void>(() => undefined) }
    const { happenings, until } = start(shell('sleep 1000'), { policy: { ...never, startupStallMs: 50 }, work: pending })
    assert.equal(codeOf(await until(ended)), 137)
    assert.ok(
      happenings.some(
        (happening) => happening.kind === 'state' && happening.state.kind === 'stopping' && happening.state.reason === 'startup-stalled',
      ),
    )
  })

  test('a line without an end and one of a progress bar are lines too, and the last words are read', async () => {
    const { happenings, until } = start(shell('printf "1%%\\r2%%\\rlast words"; exit 1'), { policy: never })
    await until(ended)
    assert.deepEqual(
      happenings.flatMap((happening) => (happening.kind === 'line' ? [happening.line] : [])),
      ['1%', '2%', 'last words'],
    )
  })

  describe('GPU memory', () => {
    /** A device of 1000 bytes whose use a test sets; the engine asks for 900. */
    const device = (used: number): Memory & { readonly set: (bytes: number) => void } => {
      let now = used
      return {
        set: (bytes) => {
          now = bytes
        },
        used: async () => ({ a: now }),
        holders: async () => [],
        describeUsers: async () => ['python3 has some'],
        lacking: ({ a = 0 }) => (1000 - a >= 900 ? [] : [`a has ${1000 - a}`]),
        tolerance: () => 10,
      }
    }

    test('a start waits while others hold what the engine asks for, says so once, and goes on when it is free', async () => {
      const memory = device(800)
      const { happenings, until } = start(shell('exit 1'), { policy: never, memory })
      assert.deepEqual(await until(({ kind }) => kind === 'lacking'), { kind: 'lacking', devices: ['a has 200'] })
      assert.deepEqual(spawned(happenings), [])
      memory.set(50)
      assert.equal(codeOf(await until(ended)), 1)
      assert.equal(happenings.filter(({ kind }) => kind === 'lacking').length, 1)
    })

    test('a start that waited long enough is tried all the same', async () => {
      const { happenings, until } = start(shell('exit 1'), { policy: { ...never, roomMs: 30 }, memory: device(800) })
      await until(ended)
      assert.equal(spawned(happenings).length, 1)
    })

    test('asked to stop while it waits for memory it ends with 0 and spawns nothing', async () => {
      const { supervisor, happenings, until } = start(shell('exit 1'), { memory: device(800) })
      await until(({ kind }) => kind === 'lacking')
      supervisor.post({ kind: 'shutdown' })
      assert.equal(codeOf(await until(ended)), 0)
      assert.deepEqual(spawned(happenings), [])
    })

    test('after a crash nothing is spawned before the memory of the old engine is back', async () => {
      const memory = device(20)
      const { supervisor, happenings, until } = start(shell('sleep 0.05; exit 1'), { memory })
      await until(({ kind }) => kind === 'spawned')
      memory.set(700)
      await until(state('reclaiming'))
      assert.equal(spawned(happenings).length, 1)
      assert.equal(supervisor.life().state.kind, 'reclaiming')
      memory.set(25)
      await until(ended)
      assert.equal(spawned(happenings).length, 2)
      assert.deepEqual(
        happenings.filter(({ kind }) => kind === 'held'),
        [],
      )
    })

    for (const [onHeld, spawns] of [
      ['retry', 2],
      ['exit', 1],
    ] as const)
      test(`memory that does not come back is told with its amount, then policy decides: ${onHeld}`, async () => {
        const memory = device(20)
        const { happenings, until } = start(shell('sleep 0.05; exit 3'), { memory, policy: { onHeld, reclaimMs: 100, roomMs: 20 } })
        await until(({ kind }) => kind === 'spawned')
        memory.set(700)
        assert.deepEqual(await until(({ kind }) => kind === 'held'), {
          kind: 'held',
          held: [{ device: 'a', bytes: 680, holders: [] }],
          users: ['python3 has some'],
        })
        assert.equal(codeOf(await until(ended)), 3)
        assert.equal(spawned(happenings).length, spawns)
      })

    test('asked to stop while it waits for memory to come back it ends with 0, within the time of a stop', async () => {
      const memory = device(20)
      const requested = { stopMs: 100, killMs: 100, reclaimMs: 100 }
      const { supervisor, until } = start(shell('sleep 0.05; exit 3'), { memory, policy: { requested } })
      await until(({ kind }) => kind === 'spawned')
      memory.set(700)
      await until(state('reclaiming'))
      supervisor.post({ kind: 'shutdown' })
      assert.equal(codeOf(await until(ended)), 0)
    })
  })
})
