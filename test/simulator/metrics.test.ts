import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRegistry } from '../../src/simulator/metrics.ts'

describe('createRegistry()', () => {
  it('shows counters and gauges with sorted labels and Python floats', () => {
    const registry = createRegistry({ a_total: { type: 'counter', help: 'A.' }, b: { type: 'gauge', help: 'B.' } })
    registry.add('a_total', { z: '1', a: 'x"y' })
    registry.add('a_total', { z: '1', a: 'x"y' }, 2)
    registry.set('b', {}, 0.5)
    assert.equal(
      registry.text(),
      ['# HELP a_total A.', '# TYPE a_total counter', 'a_total{a="x\\"y",z="1"} 3.0', '# HELP b B.', '# TYPE b gauge', 'b 0.5', ''].join(
        '\n',
      ),
    )
  })
  it('shows histograms with buckets that add up', () => {
    const registry = createRegistry({ h: { type: 'histogram', help: 'H.', buckets: [1, 2] } })
    for (const value of [0.5, 2, 9]) registry.observe('h', { m: 't' }, value)
    assert.deepEqual(registry.text().split('\n').slice(2, -1), [
      'h_bucket{m="t",le="1.0"} 1.0',
      'h_bucket{m="t",le="2.0"} 2.0',
      'h_bucket{m="t",le="+Inf"} 3.0',
      'h_count{m="t"} 3.0',
      'h_sum{m="t"} 11.5',
    ])
  })
  it('knows no metric that was not defined', () => {
    assert.throws(() => createRegistry({}).add('x', {}), /no metric is called x/)
  })
})
