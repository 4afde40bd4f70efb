import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Memory } from '../../src/supervisor/memory.ts'
import { codeOf, ended, never, shell, spawned, start, state } from './supervised.ts'

describe('createSupervisor() and GPU memory', () => {
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
