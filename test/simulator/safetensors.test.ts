import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { headerLength, headerProblem } from '../../src/simulator/safetensors.ts'
import { safetensors } from './fixture.ts'

const whole = safetensors(100)

const problemOf = (file: Buffer): string | undefined => {
  const length = headerLength(file.subarray(0, 8), file.length)
  return typeof length === 'string' ? length : headerProblem(file.subarray(8, 8 + length).toString('utf8'), file.length)
}

const rows: readonly (readonly [string, Buffer, string | undefined])[] = [
  ['nothing in a whole file', whole, undefined],
  ['a truncated one', whole.subarray(0, whole.length - 1), 'incomplete metadata, file not fully covered'],
  ['one with bytes to spare', Buffer.concat([whole, Buffer.alloc(1)]), 'incomplete metadata, file not fully covered'],
  ['an empty one', Buffer.alloc(0), 'header too small'],
  ['a page of HTML in its place', Buffer.from('<!doctype html><html></html>'), 'header too large'],
  ['a header that reaches beyond the end', Buffer.from([99, 0, 0, 0, 0, 0, 0, 0, 123]), 'invalid header length'],
  ['a header that is no JSON', Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 123, 123]), 'invalid JSON in header'],
]

describe('safetensors headers', () => {
  for (const [what, file, problem] of rows) it(`find ${what}`, () => assert.equal(problemOf(file), problem))
})
