import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePythonJson } from '../../src/std/python-json.ts'

test("parsePythonJson() reads what Python's json module writes", () => {
  assert.deepEqual(parsePythonJson('{"limit": [0.0, Infinity, -Infinity], "gap": NaN}'), {
    limit: [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    gap: null,
  })
})

test('parsePythonJson() leaves words in texts alone, and plain JSON as it is', () => {
  assert.deepEqual(parsePythonJson('{"a": "to \\"Infinity\\" and NaN", "b": Infinity}'), {
    a: 'to "Infinity" and NaN',
    b: Number.POSITIVE_INFINITY,
  })
  assert.deepEqual(parsePythonJson('{"a": [1, true, null]}'), { a: [1, true, null] })
})

test('parsePythonJson() throws for what is no JSON of either kind', () => {
  for (const text of ['', '{', '{"a": Infinite}', "{'a': 1}"]) assert.throws(() => parsePythonJson(text), SyntaxError, text)
})
