import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Boot } from '../../src/model/boots.ts'
import { measuredRate, storageReasons } from '../../src/plan/storage.ts'
import { gib } from '../../src/std/bytes.ts'

const boot = (at: string, weights: number, loadSeconds?: number): Boot => ({
  ...{ at, repository: 'org/m', setup: { vramBytes: gib(192), tensor: 4, pipeline: 2 }, weightsBytes: gib(weights) },
  ...(loadSeconds === undefined ? {} : { loadSeconds }),
})

test('the rate is that of the newest start which said how long it loaded, over all of its GPUs', () => {
  const boots = [boot('2026-11-01T10:00:00.000Z', 10, 80), boot('2026-11-03T10:00:00.000Z', 10), boot('2026-11-02T10:00:00.000Z', 10, 40)]
  assert.deepEqual(measuredRate(boots), { rate: (8 * gib(10)) / 40, at: '2026-11-02T10:00:00.000Z' })
  assert.equal(measuredRate([]), undefined)
})

test('weights that are not read within the budget are said so with rate, time and what it would take', () => {
  const slow = [boot('2026-11-02T10:00:00.000Z', 10, 800)]
  assert.match(
    storageReasons({ weightsBytes: gib(80), boots: slow })[0] ?? '',
    /^reading 80 GiB of weights takes 13m 20s at 102 MiB\/s \(as in the start of 2026-11-02 10:00\), longer than the 10m 0s .* storage of 137 MiB\/s or more/,
  )
  assert.deepEqual(storageReasons({ weightsBytes: gib(50), boots: slow }), [])
  assert.deepEqual(storageReasons({ weightsBytes: gib(80), boots: slow, budgetSeconds: 801 }), [])
  assert.match(storageReasons({ weightsBytes: gib(640), boots: [] })[0] ?? '', /119 MiB\/s \(assumed: 1 Gbit\/s, no start was measured\)/)
  assert.deepEqual(storageReasons({ weightsBytes: gib(60), boots: [] }), [])
})
