import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accessLine, formatRecord, pythonRepr, shardsLine } from '../../src/simulator/log.ts'

// The grammar and the bar as whoever reads vLLM's log has to read them.
const record =
  /^\((?<proc>[A-Za-z]\w*) pid=(?<pid>\d+)\) (?<level>INFO|WARNING|ERROR) \d\d-\d\d \d\d:\d\d:\d\d \[(?<source>[^\]]+)\] (?<text>.*)$/
const shards = /Loading\b[^:%]*?:?\s+(?<pct>\d{1,3})% Completed \| (?<done>\d+)\/(?<total>\d+)/

describe('the log', () => {
  it('formatRecord() repeats the head on every line', () => {
    const text = formatRecord('Worker_TP1', 7, new Date(2026, 10, 3, 4, 5, 6), 'ERROR', 'a.py:1', 'one\ntwo')
    assert.equal(text, '(Worker_TP1 pid=7) ERROR 11-03 04:05:06 [a.py:1] one\n(Worker_TP1 pid=7) ERROR 11-03 04:05:06 [a.py:1] two\n')
    assert.deepEqual(
      { ...record.exec(text.split('\n')[1] ?? '')?.groups },
      { proc: 'Worker_TP1', pid: '7', level: 'ERROR', source: 'a.py:1', text: 'two' },
    )
  })
  for (const [done, total, percent] of [
    [0, 1, '0'],
    [1, 2, '50'],
    [2, 3, '66'],
    [3, 3, '100'],
  ] as const)
    it(`shardsLine() says ${percent}% for ${done} of ${total}`, () => {
      assert.deepEqual({ ...shards.exec(shardsLine(done, total, 1.5))?.groups }, { pct: percent, done: String(done), total: String(total) })
    })
  it('accessLine() is as uvicorn has it', () => {
    assert.equal(accessLine('127.0.0.1:5', 'GET', '/health', 200, 'OK'), 'INFO:     127.0.0.1:5 - "GET /health HTTP/1.1" 200 OK\n')
  })
  it('pythonRepr() prints what Python would', () => {
    assert.equal(pythonRepr({ a: ['x', 1], b: true, c: undefined, d: "it's" }), "{'a': ['x', 1], 'b': True, 'c': None, 'd': 'it\\'s'}")
  })
})
