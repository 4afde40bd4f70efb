import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitLastWords, formatLastWords } from '../../src/serve/last-words.ts'

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

test('a termination message fits into 4096 bytes: the newest evidence and the fix stay, no character is split', () => {
  const evidence = Array.from({ length: 40 }, (_, line) => `${line} ${'é'.repeat(200)}`)
  const fitted = fitLastWords({ exitCode: 1, whose: 'aim', sentence: 'short', fix: 'the fix', evidence })
  assert.ok(Buffer.byteLength(fitted) <= 4096)
  assert.match(fitted, /fix: the fix\n[\s\S]* {2}39 é/)
  assert.doesNotMatch(fitted, / {2}0 é/)
  const long = fitLastWords({ exitCode: 1, whose: 'aim', sentence: 'é'.repeat(5000), fix: 'the fix' })
  assert.ok(Buffer.byteLength(long) <= 4096)
  assert.match(long, /é \.\.\.\nfix: the fix\n$/)
  assert.doesNotMatch(long, /\uFFFD/)
})
