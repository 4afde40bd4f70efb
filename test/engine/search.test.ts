import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { figurePatterns } from '../../src/engine/figures.ts'
import { signPatterns } from '../../src/engine/phases.ts'
import { createSearch, fragmentsOf } from '../../src/engine/search.ts'
import { generator } from '../random.ts'

describe('createSearch()', () => {
  const search = createSearch(['shards', 'shared', 'a longer one', 'é€'])
  const rows: readonly [claim: string, text: string, found: boolean][] = [
    ['nothing in nothing', '', false],
    ['one at the beginning', 'shards 1/2', true],
    ['one at the end', 'loading shards', true],
    ['one that is all', 'shared', true],
    ['not one that is cut', 'shard', false],
    ['not a beginning of a longer one', 'a longer on', false],
    ['one right after its own beginning', 'shashashards', true],
    ['characters of several bytes', 'x é€', true],
  ]
  for (const [claim, text, found] of rows) test(`finds ${claim}`, () => assert.equal(search(Buffer.from(text)), found))

  test('finds what a search for one after the other finds, whatever is looked for', () => {
    const seed = Number(process.env.AIM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
    const random = generator(seed)
    const word = (least: number, most: number): string =>
      Array.from({ length: least + Math.floor(random() * (most - least + 1)) }, () => 'abc'.charAt(Math.floor(3 * random()))).join('')
    for (let world = 0; world < 2000; world++) {
      const fragments = Array.from({ length: 1 + Math.floor(4 * random()) }, () => word(2, 7))
      const text = word(0, 60)
      const found = fragments.some((fragment) => text.includes(fragment))
      assert.equal(createSearch(fragments)(Buffer.from(text)), found, `AIM_TEST_SEED=${seed}, world ${world}: ${fragments} in ${text}`)
    }
  })
})

describe('fragmentsOf() gives the longest plain text of', () => {
  const rows: readonly [claim: string, pattern: RegExp, fragments: readonly string[]][] = [
    ['plain text', /non-default args:/, ['non-default args:']],
    ['each alternative', /one|the other/, ['one', 'the other']],
    ['what stands around a group with alternatives', /(?:GPU|CPU) KV cache size: (?<detail>[\d,]+ tokens)/, [' KV cache size: ']],
    ['what stands around a class that holds what ends it', /build \[(?<detail>[^\]]+)\] ends/, ['build [']],
    ['text with escapes that stand for themselves', /torch\.compile \(x\) \| y/, ['torch.compile (x) | y']],
    ['not what may be missing, or more often', /graphs? of x{2,}y*z/, ['graph']],
    ['no more than there is', /\d+|a?/, ['', '']],
  ]
  for (const [claim, pattern, fragments] of rows) test(claim, () => assert.deepEqual(fragmentsOf(pattern), fragments))

  test('each pattern by which a log is read, long enough to be searched for quickly', () => {
    const fragments = [...signPatterns, ...figurePatterns].flatMap(fragmentsOf)
    assert.deepEqual(
      fragments.filter(({ length }) => length < 6),
      [],
    )
  })
})
