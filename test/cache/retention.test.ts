import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeldRepo } from '../../src/cache/inventory.ts'
import { type Retention, retain } from '../../src/cache/retention.ts'
import { formatBytes, parseBytes } from '../../src/std/bytes.ts'

const day = 86_400_000
const commit = (digit: string): string => digit.repeat(40)

const revision = (digit: string, usedDays: number, etags: readonly string[], refs: readonly string[] = []) => ({
  commit: commit(digit),
  refs,
  path: '',
  files: etags.length,
  bytes: 0,
  missing: [],
  etags,
  usedMs: usedDays * day,
})

/** Day 100: org/a with two revisions that share a blob of 10 bytes, org/b with one of 5. */
const holdings: readonly HeldRepo[] = [
  {
    repo: 'org/a',
    folder: '',
    bytes: 111,
    parts: 0,
    blobs: [
      { etag: 'old', bytes: 100, usedMs: 0, shared: false },
      { etag: 'both', bytes: 10, usedMs: 0, shared: false },
      { etag: 'new', bytes: 1, usedMs: 0, shared: false },
    ],
    revisions: [revision('a', 10, ['old', 'both']), revision('b', 90, ['both', 'new'], ['main'])],
  },
  {
    repo: 'org/b',
    folder: '',
    bytes: 5,
    parts: 0,
    blobs: [{ etag: 'x', bytes: 5, usedMs: 0, shared: false }],
    revisions: [revision('c', 50, ['x'], ['main'])],
  },
]

const rows: readonly { asked: string; retention: Retention; goes: readonly (readonly [digit: string, freed: number])[] }[] = [
  { asked: 'nothing', retention: {}, goes: [] },
  {
    asked: 'an age',
    retention: { olderThanMs: 30 * day },
    goes: [
      ['a', 100],
      ['c', 5],
    ],
  },
  { asked: 'an age in one repository', retention: { olderThanMs: 30 * day, repo: 'org/b' }, goes: [['c', 5]] },
  { asked: 'a size that holds', retention: { maxBytes: 116 }, goes: [] },
  { asked: 'a size that the oldest frees', retention: { maxBytes: 115 }, goes: [['a', 100]] },
  {
    asked: 'a smaller size',
    retention: { maxBytes: 12 },
    goes: [
      ['a', 100],
      ['c', 5],
    ],
  },
  {
    asked: 'no byte',
    retention: { maxBytes: 0 },
    goes: [
      ['a', 100],
      ['c', 5],
      ['b', 11],
    ],
  },
  { asked: 'a ref', retention: { revision: 'main', repo: 'org/a' }, goes: [['b', 1]] },
  { asked: 'the beginning of a commit', retention: { revision: 'cccccc' }, goes: [['c', 5]] },
  { asked: 'too short a beginning', retention: { revision: 'ccc' }, goes: [] },
]

for (const { asked, retention, goes } of rows) {
  test(`retain() asked for ${asked} lets ${goes.map(([digit]) => digit).join(' and ') || 'nothing'} go`, () => {
    const { removals } = retain(holdings, retention, 100 * day, () => false)
    assert.deepEqual(
      removals.map((removal) => [removal.commit, removal.freedBytes]),
      goes.map(([digit, freedBytes]) => [commit(digit), freedBytes]),
    )
    for (const { because } of removals) assert.notEqual(because, '')
  })
}

test('retain() never lets go what is in use, and says so', () => {
  const { removals, spared } = retain(holdings, { maxBytes: 0 }, 100 * day, (repo) => repo === 'org/a')
  assert.deepEqual(
    removals.map((removal) => removal.repo),
    ['org/b'],
  )
  assert.deepEqual(
    spared.map((one) => one.commit),
    [commit('a'), commit('b')],
  )
  assert.match(spared[0]?.because ?? '', /live lease/)
})

test('parseBytes() reads sizes as people write them', () => {
  for (const [text, bytes] of [
    ['1024', 1024],
    ['1K', 1024],
    ['1KiB', 1024],
    ['1kB', 1000],
    ['1.5GB', 1.5e9],
    ['2 TiB', 2 * 1024 ** 4],
    ['7B', 7],
  ] as const)
    assert.equal(parseBytes(text), bytes, text)
  for (const text of ['', 'much', '-1', '1X']) assert.equal(parseBytes(text), undefined, text)
  assert.equal(parseBytes(formatBytes(3 * 1024 ** 3)), 3 * 1024 ** 3)
})
