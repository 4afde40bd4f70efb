import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { countLines, linesOf, toLines } from '../../src/std/lines.ts'
import { generator } from '../random.ts'

describe('countLines()', () => {
  const rows: readonly [text: string, lines: number][] = [
    ['', 0],
    ['\n', 1],
    ['a', 1],
    ['a\n', 1],
    ['a\nb', 2],
    ['\n\n\n\n\n', 5],
    // In UTF-8: bytes beside 0x0a, with the top bit and without, which a test of a whole word could take for it.
    ['\u000b\u0009\u008a\u0a0a\u{10a0a}\n', 1],
  ]
  for (const [text, lines] of rows) test(`${JSON.stringify(text)} has ${lines}`, () => assert.equal(countLines(Buffer.from(text)), lines))

  test('counts as one by one, whatever the bytes and wherever they lie', () => {
    const seed = Number(process.env.AIM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
    const random = generator(seed)
    for (let world = 0; world < 2000; world++) {
      const near = random() < 0.5
      const all = Buffer.from(Array.from({ length: Math.floor(random() * 80) }, () => Math.floor(near ? 8 + 4 * random() : 256 * random())))
      const from = Math.floor(random() * 9)
      const bytes = all.subarray(from)
      const begun = bytes.length > 0 && bytes.at(-1) !== 10
      assert.equal(countLines(bytes), bytes.filter((byte) => byte === 10).length + Number(begun), `AIM_TEST_SEED=${seed}, world ${world}`)
    }
  })
})

test('toLines() gives the bytes and the number of lines, linesOf() the lines', () => {
  const { bytes, count } = toLines('é\nb\n')
  assert.deepEqual([linesOf(bytes.toString()), count], [['é', 'b'], 2])
})
