import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idOf, numberOf, parseInteger, parseProperties, positiveOf } from '../../src/hardware/properties.ts'

const rows: readonly [text: string, entries: Record<string, string>, unreadable: number][] = [
  ['', {}, 0],
  ['\n\n', {}, 0],
  ['simd_count 1216', { simd_count: '1216' }, 0],
  ['a 1\nb 2\n', { a: '1', b: '2' }, 0],
  ['a 1\r\nb 2\r\n', { a: '1', b: '2' }, 0],
  ['  a\t 7  \n', { a: '7' }, 0],
  ['a 1\na 2\n', { a: '2' }, 0],
  ['new_key_of_2030 5\n', { new_key_of_2030: '5' }, 0],
  ['unique_id 18446744073709551615\n', { unique_id: '18446744073709551615' }, 0],
  ['a\nb x\nc -1\nd 1 2\ne 1\n', { e: '1' }, 4],
  ['\u0000\u0001\ufffd\u0000', {}, 1],
  ['a 123456789012345678901\n', {}, 1],
  ['a 18446744073709551616\nb 00018446744073709551\n', { b: '00018446744073709551' }, 1],
]

test('parseProperties() keeps what reads as key and number, and counts the rest', () => {
  for (const [text, entries, unreadable] of rows) {
    const parsed = parseProperties(text)
    assert.deepEqual(Object.fromEntries(parsed.digits), entries, JSON.stringify(text))
    assert.equal(parsed.unreadable, unreadable, JSON.stringify(text))
  }
})

test('parseProperties() takes a file of a hundred thousand lines of nonsense', () => {
  assert.equal(parseProperties('\u0007 nonsense\n'.repeat(100_000)).unreadable, 100_000)
})

test('a number beyond 2^53 is an id, never a Number', () => {
  const properties = parseProperties('unique_id 9007199254740993\nsize 9007199254740991\nnone 0\n')
  assert.equal(idOf(properties, 'unique_id'), '9007199254740993')
  assert.equal(numberOf(properties, 'unique_id'), undefined)
  assert.equal(numberOf(properties, 'size'), 9007199254740991)
  assert.equal(idOf(properties, 'none'), undefined)
  assert.equal(positiveOf(properties, 'none'), undefined)
  assert.equal(numberOf(properties, 'none'), 0)
  assert.equal(numberOf(properties, 'missing'), undefined)
})

test('parseInteger() reads one decimal or hexadecimal number and nothing else', () => {
  const cases: readonly [string, number | undefined][] = [
    ['0\n', 0],
    ['297795584\n', 297795584],
    ['-1\n', -1],
    ['0xc8\n', 200],
    ['0x00', 0],
    ['', undefined],
    ['\n', undefined],
    ['N/A', undefined],
    ['1 2', undefined],
    ['0x', undefined],
    ['1e3', undefined],
    ['18446744073709551615', undefined],
    ['\u0000', undefined],
  ]
  for (const [text, value] of cases) assert.equal(parseInteger(text), value, JSON.stringify(text))
})
