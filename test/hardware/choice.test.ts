import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Candidate, chooseSubset } from '../../src/hardware/choice.ts'
import { gib } from '../../src/std/bytes.ts'
import { generator } from '../random.ts'

const gpu = (index: number, given: Partial<Candidate> = {}): Candidate => ({
  ...{ index, hiveId: 'a', numaNode: 0, vramBytes: gib(192), vramUsedBytes: gib(0.28) },
  ...given,
})

/** Eight of one hive, four on each of two sockets. */
const eight = Array.from({ length: 8 }, (_, index) => gpu(index, { numaNode: index < 4 ? 0 : 1 }))
const but = (changes: Readonly<Record<number, Partial<Candidate>>>): Candidate[] => eight.map((one) => ({ ...one, ...changes[one.index] }))

const rows: readonly [claim: string, gpus: readonly Candidate[], count: number, indices: readonly number[], because: readonly string[]][] =
  [
    ['all of them need no reason', eight, 8, [0, 1, 2, 3, 4, 5, 6, 7], []],
    ['equal ones go by index', eight, 1, [0], []],
    ['one NUMA node before two', but({ 0: { vramUsedBytes: gib(3) } }), 4, [4, 5, 6, 7], ['one NUMA node (1)', 'the least memory in use']],
    ['a little use does not break up a node', but({ 0: { vramUsedBytes: gib(3) } }), 5, [1, 2, 3, 4, 5], ['the least memory in use']],
    ['less than a GiB of use decides nothing', but({ 0: { vramUsedBytes: gib(0.9) } }), 1, [0], []],
    ['the least used first', but({ 0: { vramUsedBytes: gib(5) }, 1: { vramUsedBytes: gib(2) } }), 1, [2], ['the least memory in use']],
    ['an idle one before a busy one', but({ 0: { busy: 0.9 } }), 1, [1], ['idle']],
    ['one hive before two', [gpu(0), gpu(1, { hiveId: 'b' }), gpu(2), gpu(3, { hiveId: 'b' })], 2, [0, 2], ['one xGMI hive']],
    [
      'one hive on two nodes before one node with two hives',
      [gpu(0), gpu(1, { hiveId: 'b' }), gpu(2, { numaNode: 1 })],
      2,
      [0, 2],
      ['one xGMI hive'],
    ],
    [
      'a GPU that others fill is taken last, whatever its hive: vLLM would not start on it',
      [gpu(0), gpu(1, { vramUsedBytes: gib(150) }), gpu(2, { hiveId: 'b' })],
      2,
      [0, 2],
      ['the least memory in use'],
    ],
    [
      'and is taken when there is no other, which is said',
      [gpu(0), gpu(1, { vramUsedBytes: gib(150) }), gpu(2, { vramUsedBytes: gib(180) })],
      2,
      [0, 1],
      ['the least memory in use', 'of 1 more than a tenth of the memory is held already'],
    ],
    ['Radeon cards without hives or nodes go by index', [0, 1, 2].map((index) => ({ index, vramBytes: gib(24) })), 2, [0, 1], []],
  ]

for (const [claim, gpus, count, indices, because] of rows) {
  test(`chooseSubset() ${claim}`, () => {
    const chosen = chooseSubset(gpus, count)
    assert.deepEqual(
      chosen?.gpus.map(({ index }) => index),
      indices,
    )
    assert.deepEqual(chosen?.because, because)
  })
}

test('chooseSubset() has no answer when there are too few', () => assert.equal(chooseSubset(eight, 9), undefined))

test('chooseSubset() never takes a GPU that others fill while a free one is left, nor two hives while one is enough', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = generator(seed)
  for (let world = 0; world < 2000; world++) {
    const size = 1 + Math.floor(random() * 10)
    const gpus = Array.from({ length: size }, (_, index) =>
      gpu(index, {
        hiveId: random() < 0.5 ? 'a' : 'b',
        numaNode: Math.floor(random() * 3),
        vramUsedBytes: random() < 0.3 ? gib(100) : 0,
      }),
    )
    const count = 1 + Math.floor(random() * size)
    const chosen = chooseSubset(gpus, count)?.gpus ?? []
    const free = gpus.filter(({ vramUsedBytes }) => vramUsedBytes === 0)
    const taken = chosen.filter(({ vramUsedBytes }) => vramUsedBytes === 0)
    assert.equal(chosen.length, count, `seed ${seed}`)
    assert.equal(taken.length, Math.min(count, free.length), `seed ${seed}`)
    const whole = ['a', 'b'].some((hive) => free.filter(({ hiveId }) => hiveId === hive).length >= count)
    assert.ok(!whole || new Set(chosen.map(({ hiveId }) => hiveId)).size === 1, `seed ${seed}`)
  }
})
