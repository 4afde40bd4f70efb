import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryDelay, standardTransfer, toldDelay } from '../../src/cache/retry.ts'

test('toldDelay() heeds RateLimit only when nothing is left, then Retry-After', () => {
  const cases = [
    { headers: {}, ms: undefined },
    { headers: { ratelimit: '"resolvers";r=0;t=172' }, ms: 173_000 },
    { headers: { ratelimit: '"resolvers";r=0;t=0' }, ms: 1000 },
    { headers: { ratelimit: '"api"; r=0; t=5' }, ms: 6000 },
    { headers: { ratelimit: '"resolvers";r=01;t=9' }, ms: undefined },
    { headers: { ratelimit: '"resolvers";r=2998;t=172' }, ms: undefined },
    { headers: { ratelimit: '"resolvers";r=3;t=172', 'retry-after': '7' }, ms: 7000 },
    { headers: { 'retry-after': '0' }, ms: undefined },
    { headers: { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, ms: undefined },
  ]
  for (const { headers, ms } of cases) assert.equal(toldDelay(headers), ms, JSON.stringify(headers))
})

test('retryDelay() doubles up to the cap, spreads by half, and gives up after the attempts or the budget', () => {
  const cases = [
    { patience: { failed: 1, waitedMs: 0, toldMs: undefined }, random: 0, ms: 500 },
    { patience: { failed: 1, waitedMs: 0, toldMs: undefined }, random: 1, ms: 1000 },
    { patience: { failed: 3, waitedMs: 0, toldMs: undefined }, random: 1, ms: 4000 },
    { patience: { failed: 5, waitedMs: 0, toldMs: undefined }, random: 1, ms: 8000 },
    { patience: { failed: 6, waitedMs: 0, toldMs: undefined }, random: 1, ms: undefined },
    { patience: { failed: 2, waitedMs: 359_999, toldMs: undefined }, random: 1, ms: undefined },
    { patience: { failed: 9, waitedMs: 0, toldMs: 301_000 }, random: 0, ms: 301_000 },
    { patience: { failed: 1, waitedMs: 0, toldMs: 400_000 }, random: 0, ms: undefined },
  ]
  for (const { patience, random, ms } of cases) assert.equal(retryDelay(patience, standardTransfer, random), ms, JSON.stringify(patience))
})

test('the standard policy reports a hub that is down within half a minute', () => {
  const delays = Array.from(
    { length: 10 },
    (_, index) => retryDelay({ failed: index + 1, waitedMs: 0, toldMs: undefined }, standardTransfer, 1) ?? 0,
  )
  assert.ok(delays.reduce((sum, delay) => sum + delay, 0) <= 30_000)
})
