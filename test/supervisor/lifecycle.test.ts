import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Exit, truthful } from '../../src/supervisor/exit.ts'
import { transition } from '../../src/supervisor/lifecycle.ts'
import type { Policy } from '../../src/supervisor/policy.ts'
import { type Effect, type Event, initial, type Lifecycle, type State } from '../../src/supervisor/states.ts'
import { generator } from '../random.ts'

const policy: Policy = {
  startupStallMs: 1000,
  stallMs: 500,
  onStall: 'restart',
  canaryMs: 100,
  examineMs: 40,
  drainDelayMs: 10,
  drainMs: 90,
  stopMs: 50,
  killMs: 20,
  reclaimMs: 30,
  restart: { when: 'always', intensity: 2, periodMs: 10_000, baseMs: 100, capMs: 1000, healthyMs: 600_000 },
  roomMs: 5000,
  onHeld: 'retry',
}
const never: Policy = { ...policy, restart: { ...policy.restart, when: 'never' } }
const onFailure: Policy = { ...policy, restart: { ...policy.restart, when: 'on-failure' } }
const exitOnHeld: Policy = { ...policy, onHeld: 'exit' }
const report: Policy = { ...policy, onStall: 'report' }

const code = (value: number): Exit => ({ kind: 'code', code: value })
const sigkill: Exit = { kind: 'signal', signal: 'SIGKILL', number: 9 }

type Bare = Event extends infer E ? (E extends Event ? Omit<E, 'at' | 'chance'> : never) : never
const at = (life: Lifecycle, event: Bare, under = policy, time = 0): ReturnType<typeof transition> =>
  transition(life, { ...event, at: time, chance: 0 } as Event, under)
const live = (state: State): Lifecycle => ({ state, epoch: 7, failures: [] })
const kinds = (effects: readonly Effect[]): string =>
  effects.map((effect) => (effect.kind === 'signal' ? effect.signal : effect.kind)).join(' ')

const stopping = (over: Partial<State & { kind: 'stopping' }> = {}): State => ({
  kind: 'stopping',
  reason: 'stalled',
  next: 'restart',
  killed: false,
  ...over,
})
const reclaiming = (over: Partial<State & { kind: 'reclaiming' }> = {}): State => ({
  kind: 'reclaiming',
  reason: 'engine-exited',
  next: 'restart',
  exitCode: 3,
  ...over,
})
const suspended: State = { kind: 'unready', stalled: false, suspended: true }
const examining = (from: 'starting' | 'warming' | 'ready'): State => ({ kind: 'examining', from })
const exited = (exit: Exit, permanent = false, exitCode?: number): Bare => ({
  kind: 'exited',
  exit,
  permanent,
  ...(exitCode === undefined ? {} : { exitCode }),
})

describe('transition()', () => {
  const rows: readonly [claim: string, from: State, event: Bare, to: Partial<State>, effects: string, under?: Policy][] = [
    ['pulls first', { kind: 'idle' }, { kind: 'start' }, { kind: 'pulling' }, 'pull'],
    [
      'ends when no plan could be made, with the code of the reason',
      { kind: 'idle' },
      { kind: 'failed', reason: 'plan-failed', exitCode: 69 },
      { kind: 'terminated', reason: 'plan-failed', exitCode: 69 } as Partial<State>,
      'exit',
    ],
    [
      'ends at once and with 0 when stopped before it began',
      { kind: 'idle' },
      { kind: 'shutdown' },
      { kind: 'terminated', exitCode: 0 } as Partial<State>,
      'exit',
    ],
    ['waits for GPU memory when the files are there', { kind: 'pulling' }, { kind: 'pulled' }, { kind: 'waiting' }, 'await-room arm'],
    ['spawns when there is room', { kind: 'waiting' }, { kind: 'room' }, { kind: 'starting' }, 'spawn arm'],
    ['tries all the same when the wait is over', { kind: 'waiting' }, { kind: 'deadline', epoch: 7 }, { kind: 'starting' }, 'spawn arm'],
    [
      'ends with 0 when asked to stop while it waits for room',
      { kind: 'waiting' },
      { kind: 'shutdown' },
      { kind: 'terminated', exitCode: 0 } as Partial<State>,
      'exit',
    ],
    [
      'ends when the pull failed',
      { kind: 'pulling' },
      { kind: 'failed', reason: 'pull-failed', exitCode: 74 },
      { kind: 'terminated', exitCode: 74 } as Partial<State>,
      'exit',
    ],
    ['warms what listens', { kind: 'starting' }, { kind: 'listening' }, { kind: 'warming' }, 'warm arm'],
    ['gives a start that moves new time', { kind: 'starting' }, { kind: 'progressed' }, { kind: 'starting' }, 'arm'],
    [
      'does not retry what cannot be run',
      { kind: 'starting' },
      { kind: 'failed', reason: 'spawn-failed', exitCode: 127 },
      { kind: 'terminated', exitCode: 127 } as Partial<State>,
      'exit',
    ],
    ['is ready only after an answer', { kind: 'warming' }, { kind: 'answered' }, { kind: 'ready' }, ''],
    ['is not ready because it listens', { kind: 'warming' }, { kind: 'probed', passed: true }, { kind: 'warming' }, ''],
    [
      'drops readiness when a probe fails',
      { kind: 'ready' },
      { kind: 'probed', passed: false },
      { kind: 'unready', stalled: false },
      'arm',
    ],
    ['is ready again when it answers again', { kind: 'unready', stalled: false }, { kind: 'probed', passed: true }, { kind: 'ready' }, ''],
    [
      'is not ready while somebody has put it to sleep, for as long as they like',
      { kind: 'ready' },
      { kind: 'suspended' },
      { kind: 'unready', stalled: false, suspended: true },
      '',
    ],
    ['sleeps once', suspended, { kind: 'suspended' }, suspended, ''],
    ['is ready again when it is woken', suspended, { kind: 'probed', passed: true }, { kind: 'ready' }, ''],
    [
      'does not stay unready for ever when it is not well after its sleep',
      suspended,
      { kind: 'probed', passed: false },
      { kind: 'unready', stalled: false },
      'arm',
    ],
    [
      'lets one sleep that was not well before',
      { kind: 'unready', stalled: false },
      { kind: 'suspended' },
      { kind: 'unready', suspended: true } as Partial<State>,
      '',
    ],
    [
      'lets one sleep whose standstill is looked at',
      examining('ready'),
      { kind: 'suspended' },
      { kind: 'unready', suspended: true } as Partial<State>,
      '',
    ],
    ['takes a sleep that is over for nothing while it drains', { kind: 'draining' }, { kind: 'suspended' }, { kind: 'draining' }, ''],
    ['drains when asked to stop', { kind: 'ready' }, { kind: 'shutdown' }, { kind: 'draining' }, 'drain arm'],
    [
      'stops what has drained',
      { kind: 'draining' },
      { kind: 'drained' },
      { kind: 'stopping', reason: 'requested' } as Partial<State>,
      'SIGTERM arm',
    ],
    ['stops at the end of the drain time', { kind: 'draining' }, { kind: 'deadline', epoch: 7 }, { kind: 'stopping' }, 'SIGTERM arm'],
    ['stops at once when asked a second time', { kind: 'draining' }, { kind: 'shutdown' }, { kind: 'stopping' }, 'SIGTERM arm'],
    [
      'tells the code of an engine that died while draining, never 0',
      { kind: 'draining' },
      exited(code(0)),
      { kind: 'reclaiming', next: 'terminate', exitCode: 1 } as Partial<State>,
      'reclaim arm',
    ],
    [
      'kills what does not stop',
      stopping(),
      { kind: 'deadline', epoch: 7 },
      { kind: 'stopping', killed: true } as Partial<State>,
      'SIGKILL arm',
    ],
    [
      'gives up on what SIGKILL does not end, and says so',
      stopping({ killed: true }),
      { kind: 'deadline', epoch: 7 },
      { kind: 'reclaiming', reason: 'not-reclaimed', next: 'terminate' } as Partial<State>,
      'reclaim arm',
    ],
    [
      'turns a restart into an end when asked to stop meanwhile',
      stopping(),
      { kind: 'shutdown' },
      { kind: 'stopping', next: 'terminate', reason: 'requested' } as Partial<State>,
      'arm',
    ],
    [
      'kills when asked to stop once more',
      stopping({ next: 'terminate', reason: 'requested' }),
      { kind: 'shutdown' },
      { kind: 'stopping', killed: true } as Partial<State>,
      'SIGKILL arm',
    ],
    [
      'ends with 0 after a stop that was asked for, whatever the engine says',
      stopping({ reason: 'requested', next: 'terminate' }),
      exited(sigkill),
      { kind: 'reclaiming', exitCode: 0 } as Partial<State>,
      'reclaim arm',
    ],
    [
      'restarts after a crash',
      { kind: 'ready' },
      exited(code(3)),
      { kind: 'reclaiming', next: 'restart', exitCode: 3 } as Partial<State>,
      'reclaim arm',
    ],
    [
      'treats an exit 0 that nobody asked for as a failure',
      { kind: 'ready' },
      exited(code(0)),
      { kind: 'reclaiming', exitCode: 1 } as Partial<State>,
      'reclaim arm',
    ],
    [
      'tells a death by signal as 128 and its number',
      { kind: 'ready' },
      exited(sigkill),
      { kind: 'reclaiming', exitCode: 137 } as Partial<State>,
      'reclaim arm',
    ],
    [
      'does not restart what cannot get better',
      { kind: 'starting' },
      exited(code(2), true),
      { kind: 'reclaiming', next: 'terminate', exitCode: 2 } as Partial<State>,
      'reclaim arm',
    ],
    [
      'ends with the code of the cause where the cause has one',
      { kind: 'starting' },
      exited(code(1), true, 78),
      { kind: 'reclaiming', next: 'terminate', exitCode: 78 } as Partial<State>,
      'reclaim arm',
    ],
    [
      'does not restart under never',
      { kind: 'ready' },
      exited(code(5)),
      { kind: 'reclaiming', next: 'terminate', exitCode: 5 } as Partial<State>,
      'reclaim arm',
      never,
    ],
    [
      'leaves an exit 0 under on-failure',
      { kind: 'ready' },
      exited(code(0)),
      { kind: 'reclaiming', next: 'terminate', exitCode: 1 } as Partial<State>,
      'reclaim arm',
      onFailure,
    ],
    [
      'restarts a failure under on-failure',
      { kind: 'ready' },
      exited(code(1)),
      { kind: 'reclaiming', next: 'restart' } as Partial<State>,
      'reclaim arm',
      onFailure,
    ],
    [
      'ends a stalled start for good under never',
      examining('starting'),
      { kind: 'examined' },
      { kind: 'stopping', reason: 'startup-stalled', next: 'terminate' } as Partial<State>,
      'SIGKILL arm',
      never,
    ],
    ...(['starting', 'warming'] as const).flatMap((kind): typeof rows => [
      [`examines a start that stands still while ${kind}`, { kind }, { kind: 'deadline', epoch: 7 }, examining(kind), 'examine arm'],
      [
        `kills a start that stood still while ${kind} when it has been examined: it would not end by being asked`,
        examining(kind),
        { kind: 'examined' },
        { kind: 'stopping', reason: 'startup-stalled', next: 'restart', killed: true } as Partial<State>,
        'SIGKILL arm',
      ],
      [`lets a start go on that moves while it is examined (${kind})`, examining(kind), { kind: 'progressed' }, { kind }, 'arm'],
    ]),
    ['listens after all while it is examined', examining('starting'), { kind: 'listening' }, { kind: 'warming' }, 'warm arm'],
    ['answers after all while it is examined', examining('warming'), { kind: 'answered' }, { kind: 'ready' }, ''],
    ['examines what stalls before it is ended', { kind: 'ready' }, { kind: 'stalled' }, examining('ready'), 'examine arm'],
    [
      'examines what stalls while it is unready',
      { kind: 'unready', stalled: false },
      { kind: 'stalled' },
      examining('ready'),
      'examine arm',
    ],
    [
      'does not stay unready for ever',
      { kind: 'unready', stalled: false },
      { kind: 'deadline', epoch: 7 },
      examining('ready'),
      'examine arm',
    ],
    [
      'gives an unready engine no new time by another failed probe',
      { kind: 'unready', stalled: false },
      { kind: 'probed', passed: false },
      { kind: 'unready' },
      '',
    ],
    [
      'kills what stalled when it has been examined',
      examining('ready'),
      { kind: 'examined' },
      { kind: 'stopping', reason: 'stalled', next: 'restart', killed: true } as Partial<State>,
      'SIGKILL arm',
    ],
    [
      'does not wait for ever for the evidence',
      examining('ready'),
      { kind: 'deadline', epoch: 7 },
      { kind: 'stopping', reason: 'stalled' } as Partial<State>,
      'SIGKILL arm',
    ],
    ['is ready again when it moves while it is examined', examining('ready'), { kind: 'probed', passed: true }, { kind: 'ready' }, ''],
    ['examines a stall once', examining('ready'), { kind: 'stalled' }, examining('ready'), ''],
    [
      'takes a failed probe for nothing new while it examines',
      examining('ready'),
      { kind: 'probed', passed: false },
      examining('ready'),
      '',
    ],
    ['takes old evidence for nothing', { kind: 'ready' }, { kind: 'examined' }, { kind: 'ready' }, ''],
    [
      'stops at once when asked to while it examines: what stands still drains nothing',
      examining('ready'),
      { kind: 'shutdown' },
      { kind: 'stopping', reason: 'requested', next: 'terminate' } as Partial<State>,
      'SIGTERM arm',
    ],
    [
      'restarts what ended while it was examined, by its own end',
      examining('ready'),
      exited(sigkill),
      { kind: 'reclaiming', reason: 'engine-exited', exitCode: 137 } as Partial<State>,
      'reclaim arm',
    ],
    ['reports a stall when policy says so', examining('ready'), { kind: 'examined' }, { kind: 'unready', stalled: true }, '', report],
    ['reports a stall once', { kind: 'unready', stalled: true }, { kind: 'stalled' }, { kind: 'unready', stalled: true }, '', report],
    [
      'ends a start that stands still even when policy is to report',
      examining('starting'),
      { kind: 'examined' },
      { kind: 'stopping', reason: 'startup-stalled' } as Partial<State>,
      'SIGKILL arm',
      report,
    ],
    [
      'stops a reported engine at once when asked to',
      { kind: 'unready', stalled: true },
      { kind: 'shutdown' },
      { kind: 'stopping', reason: 'requested' } as Partial<State>,
      'SIGTERM arm',
      report,
    ],
    ['is ready again after a reported stall', { kind: 'unready', stalled: true }, { kind: 'probed', passed: true }, { kind: 'ready' }, ''],
    ['waits before it starts again', reclaiming(), { kind: 'reclaimed', held: false }, { kind: 'backoff' }, 'arm'],
    [
      'starts again after the wait',
      { kind: 'backoff', reason: 'engine-exited' },
      { kind: 'deadline', epoch: 7 },
      { kind: 'waiting' },
      'await-room arm',
    ],
    [
      'ends with 0 when asked to stop while it waits',
      { kind: 'backoff', reason: 'engine-exited' },
      { kind: 'shutdown' },
      { kind: 'terminated', exitCode: 0 } as Partial<State>,
      'exit',
    ],
    [
      'ends with the code of the engine when that was the last try',
      reclaiming({ next: 'terminate' }),
      { kind: 'reclaimed', held: false },
      { kind: 'terminated', exitCode: 3 } as Partial<State>,
      'exit',
    ],
    [
      'says so when something is left at the end',
      reclaiming({ next: 'terminate', exitCode: 0 }),
      { kind: 'deadline', epoch: 7 },
      { kind: 'terminated', reason: 'not-reclaimed', exitCode: 1 } as Partial<State>,
      'exit',
    ],
    [
      'ends with 0 when asked to stop between crash and restart',
      reclaiming(),
      { kind: 'shutdown' },
      { kind: 'reclaiming', next: 'terminate', exitCode: 0 } as Partial<State>,
      'reclaim arm',
    ],
    [
      'tries again later when GPU memory does not come back',
      reclaiming(),
      { kind: 'reclaimed', held: true },
      { kind: 'backoff', reason: 'memory-held' } as Partial<State>,
      'arm',
    ],
    [
      'exits with the code of the engine when GPU memory does not come back and policy says so',
      reclaiming(),
      { kind: 'reclaimed', held: true },
      { kind: 'terminated', reason: 'memory-held', exitCode: 3 } as Partial<State>,
      'exit',
      exitOnHeld,
    ],
    [
      'ends with 0 after a stop that was asked for although the driver still holds memory: no process of ours does',
      reclaiming({ next: 'terminate', reason: 'requested', exitCode: 0 }),
      { kind: 'reclaimed', held: true },
      { kind: 'terminated', reason: 'requested', exitCode: 0 } as Partial<State>,
      'exit',
    ],
    [
      'ignores everything at the end',
      { kind: 'terminated', reason: 'requested', exitCode: 0 },
      { kind: 'start' },
      { kind: 'terminated' },
      '',
    ],
    [
      'ignores the timer of a state that is gone',
      stopping(),
      { kind: 'deadline', epoch: 6 },
      { kind: 'stopping', killed: false } as Partial<State>,
      '',
    ],
  ]
  for (const [claim, from, event, to, effects, under] of rows) {
    test(claim, () => {
      const { next, effects: done } = at(live(from), event, under)
      for (const [key, value] of Object.entries(to)) assert.equal((next.state as Record<string, unknown>)[key], value, key)
      assert.equal(kinds(done), effects)
    })
  }

  test('spends the budget: one failure more than the intensity within the period ends it with the code of the engine', () => {
    let life = live(reclaiming())
    for (let time = 1; time <= 2; time++) {
      life = at(life, { kind: 'reclaimed', held: false }, policy, time).next
      assert.equal(life.state.kind, 'backoff')
      life = { ...life, state: reclaiming() }
    }
    assert.deepEqual(at(life, { kind: 'reclaimed', held: false }, policy, 3).next.state, {
      kind: 'terminated',
      reason: 'engine-exited',
      exitCode: 3,
    })
  })

  test('forgets failures that are older than the period', () => {
    const life: Lifecycle = { state: reclaiming(), epoch: 1, failures: [0, 1] }
    assert.equal(at(life, { kind: 'reclaimed', held: false }, policy, policy.restart.periodMs + 2).next.state.kind, 'backoff')
    assert.deepEqual(at(life, { kind: 'reclaimed', held: false }, policy, policy.restart.periodMs).next.failures, [
      1,
      policy.restart.periodMs,
    ])
  })
})

describe('a long healthy run', () => {
  const failures = [0, 1]
  const rows: readonly [claim: string, readyFor: number, left: number][] = [
    ['is forgiven its earlier failures when it ends', policy.restart.healthyMs, 0],
    ['a little shorter keeps them', policy.restart.healthyMs - 1, 2],
  ]
  for (const [claim, readyFor, left] of rows)
    test(claim, () => {
      const ready = at({ ...live({ kind: 'warming' }), failures }, { kind: 'answered' }, policy, 50).next
      assert.equal(at(ready, exited(code(1)), policy, 50 + readyFor).next.failures.length, left)
    })
  test('begins anew when readiness was lost in between', () => {
    const ready = at({ ...live({ kind: 'warming' }), failures }, { kind: 'answered' }, policy, 0).next
    const unready = at(ready, { kind: 'probed', passed: false }, policy, 10).next
    const again = at(unready, { kind: 'probed', passed: true }, policy, 20).next
    assert.equal(at(again, exited(code(1)), policy, policy.restart.healthyMs + 10).next.failures.length, 2)
  })
})

test('the time for draining begins when endpoints have noticed', () =>
  assert.equal(
    at(live({ kind: 'ready' }), { kind: 'shutdown' }).effects.find((effect) => effect.kind === 'arm')?.ms,
    policy.drainDelayMs + policy.drainMs,
  ))

describe('an end that was asked for', () => {
  const hurried: Policy = { ...policy, requested: { stopMs: 5, killMs: 2, reclaimMs: 3 } }
  const armed = (from: State, event: Bare): number | undefined =>
    at(live(from), event, hurried).effects.find((effect) => effect.kind === 'arm')?.ms
  test('takes its own, shorter stages; any other end takes the full ones', () => {
    assert.equal(armed({ kind: 'draining' }, { kind: 'drained' }), 5)
    assert.equal(armed(stopping({ reason: 'requested', next: 'terminate' }), { kind: 'shutdown' }), 2)
    assert.equal(armed(stopping({ reason: 'requested', next: 'terminate' }), exited(code(0))), 3)
    assert.equal(armed(stopping(), { kind: 'shutdown' }), 5)
    assert.equal(armed(stopping({ killed: true }), { kind: 'shutdown' }), 2)
    assert.equal(armed(reclaiming(), { kind: 'shutdown' }), 3)
    assert.equal(armed(stopping({ reason: 'requested', next: 'terminate', killed: true }), { kind: 'deadline', epoch: 7 }), 3)
    assert.equal(armed(stopping(), { kind: 'deadline', epoch: 7 }), policy.killMs)
    assert.equal(armed({ kind: 'ready' }, exited(code(1))), policy.reclaimMs)
  })
})

/** Every state, and the steps of asking and of time that lead from it to the end. */
describe('asked to stop in any state', () => {
  const states: readonly State[] = [
    { kind: 'idle' },
    { kind: 'pulling' },
    { kind: 'waiting' },
    { kind: 'starting' },
    { kind: 'warming' },
    { kind: 'ready' },
    { kind: 'unready', stalled: false },
    { kind: 'unready', stalled: true },
    suspended,
    examining('starting'),
    examining('warming'),
    examining('ready'),
    { kind: 'draining' },
    stopping(),
    stopping({ killed: true }),
    stopping({ next: 'terminate', reason: 'requested' }),
    reclaiming(),
    { kind: 'backoff', reason: 'engine-exited' },
  ]
  for (const from of states) {
    const alive = !['idle', 'pulling', 'waiting', 'reclaiming', 'backoff'].includes(from.kind)
    test(`${JSON.stringify(from)}: ends with 0 when the engine does as it is told`, () => {
      let life = at(live(from), { kind: 'shutdown' }).next
      if (life.state.kind === 'draining') life = at(life, { kind: 'drained' }).next
      if (alive) life = at(life, exited(code(0))).next
      if (life.state.kind === 'reclaiming') life = at(life, { kind: 'reclaimed', held: false }).next
      assert.deepEqual(life.state, { kind: 'terminated', reason: 'requested', exitCode: 0 })
    })
    test(`${JSON.stringify(from)}: ends by the passing of time alone when nothing answers, and not with 0 when something is left`, () => {
      let life = at(live(from), { kind: 'shutdown' }).next
      for (let steps = 0; life.state.kind !== 'terminated'; steps++) {
        assert.ok(steps < 5, JSON.stringify(life.state))
        life = at(life, { kind: 'deadline', epoch: life.epoch }).next
      }
      const left = alive || from.kind === 'reclaiming'
      assert.deepEqual([life.state.reason, life.state.exitCode === 0], left ? ['not-reclaimed', false] : ['requested', true])
    })
  }
})

const pullFailed = { reason: 'pull-failed', exitCode: 74 } as const
const planFailed = { reason: 'plan-failed', exitCode: 69 } as const

/** A world that does to the machine what a world may do, and watches the promises. */
const walk = (seed: number, orders: Set<string>, late: Set<string>): ReadonlySet<string> => {
  const random = generator(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const under: Policy = {
    ...policy,
    onStall: pick(['restart', 'report'] as const),
    onHeld: pick(['retry', 'exit'] as const),
    ...(random() < 0.5 ? {} : { requested: { stopMs: 5, killMs: 2, reclaimMs: 3 } }),
    restart: {
      ...policy.restart,
      healthyMs: pick([1, 5000, 600_000]),
      when: pick(['always', 'on-failure', 'never'] as const),
      intensity: pick([0, 1, 3]),
    },
  }
  const seen = new Set<string>()
  let life = initial
  let alive = false
  let unkillable = false
  let unspawned = false
  let codeOfEngine: number | undefined
  let timer: { readonly epoch: number } | undefined
  let time = 0
  let asked = 0
  let reclaimable = false
  let examined = false
  let before = 'nothing'
  const step = (event: Bare): void => {
    if (event.kind === 'exited') codeOfEngine = event.exitCode ?? truthful(event.exit)
    orders.add(`${before}, ${event.kind}`)
    before = event.kind
    const { next, effects } = transition(life, { ...event, at: time, chance: random() } as Event, under)
    if (next.state.kind === 'ready' && life.state.kind !== 'ready') assert.ok(alive, 'ready without an engine')
    life = next
    seen.add(life.state.kind)
    for (const effect of effects) {
      if (effect.kind === 'examine') examined = true
      if (effect.kind === 'spawn') {
        examined = false
        assert.ok(!alive, 'two engines')
        alive = random() < 0.95
        unspawned = !alive
        unkillable = random() < 0.05
      }
      if (effect.kind === 'arm') timer = effect
      if (effect.kind === 'signal') assert.ok(alive, `${effect.signal} to nobody`)
      if (effect.kind === 'signal' && life.state.kind === 'stopping' && /stalled/.test(life.state.reason))
        assert.ok(examined, 'ended for a stall without a look at it')
      if (effect.kind === 'reclaim') reclaimable = true
      if (effect.kind === 'exit') {
        assert.ok(
          !alive || (life.state.kind === 'terminated' && life.state.reason === 'not-reclaimed'),
          'left with an engine alive and did not say so',
        )
        if (life.state.kind === 'terminated' && life.state.exitCode === 0)
          assert.equal(life.state.reason, 'requested', '0 that nobody asked for')
        if (life.state.kind === 'terminated' && life.state.reason === 'engine-exited')
          assert.equal(life.state.exitCode, codeOfEngine, "neither the cause's code nor the engine's")
      }
    }
    if (life.state.kind === 'unready' && life.state.stalled) assert.equal(under.onStall, 'report', 'left to stand against the policy')
    if (life.state.kind === 'ready' && event.kind === 'probed') assert.ok(event.passed, 'ready against a probe')
    // The promise that makes every wait end: an engine's states have a deadline, but for one that serves or that is only reported.
    if (life.state.kind === 'unready' && !life.state.stalled && !life.state.suspended)
      assert.equal(timer?.epoch, life.epoch, 'unready for ever')
    if (['waiting', 'starting', 'warming', 'examining', 'draining', 'stopping', 'reclaiming', 'backoff'].includes(life.state.kind))
      assert.equal(timer?.epoch, life.epoch, `no deadline in ${life.state.kind}`)
  }
  const end = (): Bare => exited(pick([code(0), code(1), code(2), sigkill]), random() < 0.1, pick([undefined, 1, 78]))
  const failure = (): Bare => ({ kind: 'failed', ...pick([pullFailed, planFailed]) })
  const noise: readonly (() => Bare)[] = [
    () => ({ kind: 'start' }),
    () => ({ kind: 'pulled' }),
    () => ({ kind: 'room' }),
    () => ({ kind: 'progressed' }),
    () => ({ kind: 'probed', passed: random() < 0.5 }),
    () => ({ kind: 'stalled' }),
    () => ({ kind: 'suspended' }),
    () => ({ kind: 'examined' }),
    () => ({ kind: 'drained' }),
    // Of an engine that is gone, too.
    () => ({ kind: 'listening' }),
    () => ({ kind: 'answered' }),
    () => ({ kind: 'deadline', epoch: Math.floor(random() * (life.epoch + 2)) }),
  ]
  for (let steps = 0; life.state.kind !== 'terminated' && steps < 400; steps++) {
    time += Math.floor(random() * 2000)
    const choice = random()
    // Node says so before anything else can come.
    if (unspawned) {
      step({ kind: 'failed', reason: 'spawn-failed', exitCode: pick([126, 127]) })
      assert.equal(life.state.kind, 'terminated', 'goes on without an engine')
      continue
    }
    if (asked === 0 ? choice < 0.01 : choice < 0.05) {
      asked++
      step({ kind: 'shutdown' })
    } else if (alive && !unkillable && choice < 0.2) {
      alive = false
      step(end())
    } else if (choice < 0.4 && timer?.epoch === life.epoch) step({ kind: 'deadline', epoch: life.epoch })
    else if (choice < 0.5 && alive) step({ kind: 'listening' })
    else if (choice < 0.6 && alive) step({ kind: 'answered' })
    else if (random() < 0.02 && !alive && (life.state.kind === 'pulling' || life.state.kind === 'idle')) step(failure())
    else if (choice < 0.75 && reclaimable && !alive) {
      reclaimable = false
      step({ kind: 'reclaimed', held: random() < 0.2 })
    } else step(pick(noise)())
  }
  // Once a stop was asked for nothing but the passing of time may be needed for the end.
  if (life.state.kind !== 'terminated') step({ kind: 'shutdown' })
  for (let steps = 0; life.state.kind !== 'terminated'; steps++) {
    assert.ok(steps < 20, `does not end after a shutdown: ${JSON.stringify(life.state)}`)
    if (timer?.epoch === life.epoch) step({ kind: 'deadline', epoch: life.epoch })
    else step({ kind: 'shutdown' })
  }
  // A plan that was being made, an engine that hung in the kernel, a user who asks once more: none of them knows of the end.
  for (let events = 0; events < 3; events++) {
    const event = pick([
      ...noise,
      end,
      failure,
      () => ({ kind: 'shutdown' }) as const,
      () => ({ kind: 'reclaimed', held: false }) as const,
    ])()
    late.add(event.kind)
    assert.deepEqual(at(life, event, under, time), { next: life, effects: [] }, `an end that ${event.kind} changes`)
  }
  return seen
}

test('random worlds: never two engines, never gone with one alive unless it says so, every wait ends, 0 only when asked, nothing after the end', () => {
  const first = Number(process.env.AIM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const [seen, orders, late] = [new Set<string>(), new Set<string>(), new Set<string>()]
  for (let world = 0; world < 20_000; world++) {
    try {
      for (const state of walk(first + world, orders, late)) seen.add(state)
    } catch (error) {
      throw new Error(`AIM_TEST_SEED=${first + world} breaks a promise`, { cause: error })
    }
  }
  assert.deepEqual([...seen].sort(), [
    'backoff',
    'draining',
    'examining',
    'idle',
    'pulling',
    'ready',
    'reclaiming',
    'starting',
    'stopping',
    'terminated',
    'unready',
    'waiting',
    'warming',
  ])
  const events = [...new Set([...orders].map((order) => order.split(', ')[1] ?? ''))]
  const unseen = events.flatMap((one) => events.map((next) => `${one}, ${next}`)).filter((order) => !orders.has(order))
  assert.deepEqual([...late].sort(), events.toSorted(), 'every event comes after the end in some world')
  // A failure to begin is the end of a world; an engine ends, and its memory comes back, once.
  const cannotBe = /^failed, |^(?:exited|reclaimed|shutdown), failed$|^(?:exited|reclaimed), exited$|^reclaimed, reclaimed$/
  assert.deepEqual(
    unseen.filter((order) => !cannotBe.test(order)),
    [],
    'every event comes right after every other in some world',
  )
})
