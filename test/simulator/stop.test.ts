import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStopFilter } from '../../src/simulator/stop.ts'

const filter = (stops: readonly string[], bits: readonly string[]) => {
  const stopper = createStopFilter(stops)
  const pushed = bits.map((bit, index) => stopper.push(bit, index === bits.length - 1))
  return { text: pushed.map(({ text }) => text).join(''), stop: pushed.find(({ stop }) => stop !== undefined)?.stop }
}

describe('createStopFilter()', () => {
  it('lets everything through without stops', () => assert.deepEqual(filter([], ['a', 'b']), { text: 'ab', stop: undefined }))
  it('cuts before a stop string that is spread over bits', () =>
    assert.deepEqual(filter(['bcd'], ['ab', 'c', 'd']), { text: 'a', stop: 'bcd' }))
  it('takes the stop that comes first', () => assert.deepEqual(filter(['c', 'b'], ['abc']), { text: 'a', stop: 'b' }))
  it('lets go at the end of what it held back', () => assert.deepEqual(filter(['bx'], ['a', 'b']), { text: 'ab', stop: undefined }))
  it('never sends a part of a stop string', () => {
    const stopper = createStopFilter(['stop'])
    assert.deepEqual(stopper.push('so st', false), { text: 'so' })
    assert.deepEqual(stopper.push('op', false), { text: ' ', stop: 'stop' })
  })
})
