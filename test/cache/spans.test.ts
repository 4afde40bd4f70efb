import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkpointBytes, journalText, parseJournal } from '../../src/cache/journal.ts'
import { addSpan, frontierOf, nextGap, type Span, spanBytes } from '../../src/cache/spans.ts'

const rows: readonly { have: readonly Span[]; add: Span; gives: readonly Span[] }[] = [
  { have: [], add: [5, 9], gives: [[5, 9]] },
  { have: [[5, 9]], add: [0, 5], gives: [[0, 9]] },
  {
    have: [
      [0, 2],
      [8, 9],
    ],
    add: [3, 7],
    gives: [
      [0, 2],
      [3, 7],
      [8, 9],
    ],
  },
  {
    have: [
      [0, 2],
      [4, 6],
      [8, 9],
    ],
    add: [1, 8],
    gives: [[0, 9]],
  },
  { have: [[0, 9]], add: [2, 3], gives: [[0, 9]] },
  { have: [[0, 9]], add: [4, 4], gives: [[0, 9]] },
]

for (const { have, add, gives } of rows) {
  test(`addSpan() to ${JSON.stringify(have)} of ${add.join('..')} gives ${JSON.stringify(gives)}`, () =>
    assert.deepEqual(addSpan(have, add), gives))
}

test('frontierOf() is the end of what is there from the beginning', () => {
  assert.equal(frontierOf([]), 0)
  assert.equal(frontierOf([[1, 5]]), 0)
  assert.equal(
    frontierOf([
      [0, 5],
      [6, 9],
    ]),
    5,
  )
})

test('nextGap() finds what no list covers, in order, and no more at once than asked for', () => {
  assert.deepEqual(nextGap(10, 4), [0, 4])
  assert.deepEqual(nextGap(10, 99, [[0, 3]], [[5, 10]]), [3, 5])
  assert.deepEqual(nextGap(10, 2, [[5, 10]], [[0, 3]]), [3, 5])
  assert.deepEqual(nextGap(10, 99, [[0, 9]]), [9, 10])
  assert.equal(nextGap(10, 4, [[0, 6]], [[5, 10]]), undefined)
  assert.equal(nextGap(0, 4), undefined)
})

test('filling gaps in any order covers every byte once (random worlds)', (t) => {
  const seed = 20261124
  t.diagnostic(`seed ${seed}`)
  let state = seed
  const random = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return state % below
  }
  for (let world = 0; world < 200; world++) {
    const size = 1 + random(1000)
    let done: readonly Span[] = []
    let fetched = 0
    while (spanBytes(done) < size) {
      const gap = nextGap(size, 1 + random(size), done)
      assert.ok(gap !== undefined)
      // A connection may break anywhere in a gap.
      const stop = gap[0] + 1 + random(gap[1] - gap[0])
      done = addSpan(done, [gap[0], stop])
      fetched += stop - gap[0]
    }
    assert.deepEqual(done, [[0, size]])
    assert.equal(fetched, size)
  }
})

const file = { etag: 'a'.repeat(64), bytes: 100 }

test('a journal says what is written to a machine of the same boot, what is on the disk to any, and nothing when it is not sound', () => {
  const noted = {
    written: [
      [0, 10],
      [50, 100],
    ],
    synced: [[0, 10]],
    boot: 'b',
  } as const
  assert.deepEqual(parseJournal(journalText(file, noted), file, 'b'), noted.written)
  assert.deepEqual(parseJournal(journalText(file, noted), file, 'another'), noted.synced)
  assert.deepEqual(parseJournal(journalText(file, { ...noted, boot: '' }), file, ''), noted.synced, 'a boot that is not known is no boot')
  const wrong = [
    '',
    '{}',
    journalText(file, noted).slice(0, 40),
    journalText({ ...file, bytes: 101 }, noted),
    journalText({ ...file, etag: 'b'.repeat(64) }, noted),
    journalText(file, { ...noted, written: [[0, 101]] }),
    journalText(file, { ...noted, written: [[5, 5]] }),
    journalText(file, noted).replace('"version":1', '"version":2'),
  ]
  for (const text of wrong) assert.deepEqual(parseJournal(text, file, 'b'), [], text)
})

test('a journal is written for each hundredth of a file, within half a MiB and 128 MiB', () => {
  assert.equal(checkpointBytes(1000), 512 * 1024)
  assert.equal(checkpointBytes(4e9), 4e7)
  assert.equal(checkpointBytes(400e9), 128 * 1024 ** 2)
})
