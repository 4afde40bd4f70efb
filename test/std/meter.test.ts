import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bar, describeReadings, keepReadings, type Reading, rateOf } from '../../src/std/meter.ts'

const at = (ms: number, done: number): Reading => ({ ms, done, total: 1024 ** 2 })

test('the rate is that of the last ten seconds, and unknown at first', () => {
  let readings: readonly Reading[] = keepReadings([], at(0, 0))
  assert.equal(rateOf(readings), undefined)
  assert.equal(describeReadings(readings), '0 % 0 B of 1.0 MiB')
  for (const [ms, done] of [
    [5000, 1000],
    [11_000, 7000],
    [16_000, 12_000],
  ] as const)
    readings = keepReadings(readings, at(ms, done))
  assert.equal(rateOf(readings), 1000)
})

test('bytes that are taken back begin the rate anew', () => {
  assert.equal(rateOf(keepReadings([at(0, 0), at(1000, 500_000)], at(2000, 10_000))), 5000)
})

test('describeReadings() tells rate and what is left while it goes on, and neither at the end', () => {
  assert.equal(describeReadings([at(0, 0), at(1000, 262_144)]), '25 % 256 KiB of 1.0 MiB, 256 KiB/s, 3.0s left')
  assert.equal(describeReadings([at(0, 0), at(1000, 1024 ** 2)]), '100 % 1.0 MiB of 1.0 MiB, 1.0 MiB/s')
  assert.equal(describeReadings([{ ms: 0, done: 0, total: 0 }]), '100 % 0 B of 0 B')
})

test('describeReadings() tells whole bytes for a rate that is no round number', () => {
  assert.equal(describeReadings([at(0, 0), at(5491, 1125)]), '0 % 1.1 KiB of 1.0 MiB, 205 B/s, 1h 25m left')
})

test('bar() is as long as asked for', () => {
  assert.equal(bar(1, 4, 8), '[##      ]')
  assert.equal(bar(0, 0, 3), '[###]')
})
