import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fitLastWords, formatLastWords, joinWords, type LastWords } from '../../src/serve/last-words.ts'

test('the last words say whose code it is, the cause, the fix and the lines that show it', () => {
  assert.equal(
    formatLastWords({ exitCode: 2, whose: 'engine', sentence: 'it broke', fix: 'mend it', evidence: ['a', 'b'] }),
    "exit code 2 (the engine's): it broke\nfix: mend it\nthe engine's lines:\n  a\n  b\n",
  )
  assert.match(
    formatLastWords({ exitCode: 137, whose: 'killed', sentence: 'it stood still' }),
    /^exit code 137 \(AIM Engine killed the engine\): it stood/,
  )
})

describe('a termination message fits into 4096 bytes, no character is split, the fix stays', () => {
  const fitted = (words: Partial<LastWords>): string => {
    const text = fitLastWords({ exitCode: 1, whose: 'aim', sentence: 'short', fix: 'the fix', ...words })
    assert.ok(Buffer.byteLength(text) <= 4096)
    assert.doesNotMatch(text, /\uFFFD/)
    return text
  }
  test('and of much evidence the newest', () => {
    const text = fitted({ evidence: Array.from({ length: 40 }, (_, line) => `${line} ${'é'.repeat(200)}`) })
    assert.match(text, /fix: the fix\n[\s\S]* {2}39 é/)
    assert.doesNotMatch(text, / {2}0 é/)
  })
  for (const sentence of ['é'.repeat(5000), `x${'é'.repeat(5000)}`, '🙂'.repeat(3000)])
    test(`and of a long sentence the beginning (${sentence.slice(0, 4)}...)`, () =>
      assert.match(fitted({ sentence, evidence: ['a'] }), /(?:é|🙂) \.\.\.\nfix: the fix\n$/u))
})

test('on stderr nothing of a long sentence is cut, nor its fix', () => {
  const sentence = 'x'.repeat(10_000)
  assert.equal(
    formatLastWords({ exitCode: 1, whose: 'aim', sentence, fix: 'the fix' }),
    `exit code 1 (of AIM Engine): ${sentence}\nfix: the fix\n`,
  )
})

describe('joinWords()', () => {
  const crash: LastWords = { exitCode: 137, whose: 'engine', sentence: 'it crashed', fix: 'mend it', evidence: ['a'] }
  const bare: LastWords = { exitCode: 3, whose: 'killed', sentence: 'it stood still' }
  const survivors: LastWords = { exitCode: 1, whose: 'aim', sentence: 'processes stay', fix: 'look at the node', evidence: ['b'] }
  const rows: readonly [claim: string, first: LastWords | undefined, joined: LastWords][] = [
    ['what came first or alone is the cause', undefined, survivors],
    ['the first cause keeps its code, its fix and its evidence', crash, { ...crash, sentence: 'it crashed; processes stay' }],
    ["a cause without a fix does not take the later one's", bare, { ...bare, sentence: 'it stood still; processes stay' }],
  ]
  for (const [claim, first, joined] of rows) test(claim, () => assert.deepEqual(joinWords(first, survivors), joined))
})
