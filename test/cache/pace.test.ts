import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapt, firstLimit, lastLimit, type Pace, startPace } from '../../src/cache/pace.ts'
import { createSlots } from '../../src/cache/slots.ts'

/** A link: each connection gets at most `each`, all together `total`, and next to nothing above `collapse` of them. */
type Link = { readonly each: number; readonly total: number; readonly collapse: number }

const rateOf = ({ each, total, collapse }: Link, connections: number): number =>
  connections > collapse ? 1 : Math.min(total, each * connections)

/** The number of connections after each of so many seconds on a link. */
const run = (link: Link, seconds: number): readonly Pace[] => {
  const seen = [startPace]
  for (let at = 0; at < seconds; at++) {
    const pace = seen.at(-1) ?? startPace
    seen.push(adapt(pace, { rate: rateOf(link, pace.limit), throttled: false, busy: true }))
  }
  return seen
}

test('adapt() begins low and goes up as long as it pays', () => {
  const seen = run({ each: 100, total: 10_000, collapse: 99 }, 60)
  assert.equal(seen[0]?.limit, firstLimit)
  assert.equal(seen.at(-1)?.limit, lastLimit)
  for (const [at, { limit }] of seen.entries()) assert.ok(Math.abs(limit - (seen[at - 1]?.limit ?? limit)) <= 4)
})

test('adapt() stays where more connections bring nothing', () => {
  const seen = run({ each: 100, total: 350, collapse: 99 }, 200).slice(20)
  assert.ok(seen.filter(({ limit }) => limit === firstLimit).length > seen.length * 0.7)
})

test('adapt() halves when a server asks for it, down to one', () => {
  let pace: Pace = { ...startPace, limit: 16 }
  for (const limit of [8, 4, 2, 1, 1]) {
    pace = adapt(pace, { rate: 1, throttled: true, busy: true })
    assert.equal(pace.limit, limit)
  }
})

test('adapt() leaves a collapse within seconds, whatever the link (random worlds)', (t) => {
  const seed = 7
  t.diagnostic(`seed ${seed}`)
  let state = seed
  const random = (low: number, high: number): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return low + (state % (high - low + 1))
  }
  for (let world = 0; world < 300; world++) {
    const link = { each: random(10, 500), total: random(10, 5000), collapse: random(firstLimit, 30) }
    const seen = run(link, 400).slice(60)
    const best = Math.max(...Array.from({ length: lastLimit }, (_, index) => rateOf(link, index + 1)))
    const mean = seen.reduce((sum, { limit }) => sum + rateOf(link, limit), 0) / seen.length
    assert.ok(mean > best * 0.4, `${JSON.stringify(link)}: ${mean} of ${best}`)
    for (const { limit } of seen) assert.ok(limit >= 1 && limit <= lastLimit)
  }
})

test('adapt() draws no conclusion from seconds in which connections had nothing to do', () => {
  const busy = run({ each: 100, total: 10_000, collapse: 99 }, 30).at(-1) ?? startPace
  let pace = busy
  for (let second = 0; second < 20; second++) pace = adapt(pace, { rate: 0, throttled: false, busy: false })
  assert.equal(pace.limit, busy.limit)
})

test('slots admit so many, in order, and more when there are more', async () => {
  const slots = createSlots(2)
  const { signal } = new AbortController()
  const entered: number[] = []
  const take = (name: number): Promise<void> => slots.take(signal).then(() => void entered.push(name))
  const all = [1, 2, 3, 4, 5].map(take)
  await Promise.all(all.slice(0, 2))
  assert.deepEqual(entered, [1, 2])
  assert.ok(slots.full())
  slots.give()
  await all[2]
  slots.resize(3)
  await all[3]
  assert.deepEqual(entered, [1, 2, 3, 4])
  slots.resize(1)
  slots.give()
  slots.give()
  slots.give()
  await all[4]
  assert.equal(slots.full(), false)
})

test('who waits for a slot when the signal aborts gets none, and takes none from others', async () => {
  const slots = createSlots(1)
  const abort = new AbortController()
  await slots.take(abort.signal)
  const waiting = slots.take(abort.signal)
  abort.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
  slots.give()
  await slots.take(new AbortController().signal)
})
