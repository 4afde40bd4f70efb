import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearestRunnable } from '../../src/recipes/way-out.ts'
import { facts70b, gpus, model, profile, question } from './worlds.ts'

test('too small a machine gets the smallest of its kind and of the Instincts that would do', () => {
  const asked = question({ gpus: gpus('R9700', 2), facts: facts70b })
  assert.deepEqual(
    nearestRunnable(asked, []).map((command) => command.split('  ')[0]),
    [
      `aim plan ${model} --gpu-model R9700 --gpu-count 8`,
      `aim plan ${model} --gpu-model MI300X --gpu-count 1`,
      `aim plan ${model} --gpu-model MI355X --gpu-count 1`,
    ],
  )
})

test('what was asked for too much is named first', () => {
  const catalog = [profile()]
  const asked = { gpus: gpus('MI300X', 1), allowGeneral: false }
  assert.match(
    nearestRunnable(question({ ...asked, precision: 'int4' }), catalog)[0] ?? '',
    /--precision auto {2}\(vllm-mi300x-fp8-tp1-latency\)$/,
  )
  assert.match(nearestRunnable(question({ ...asked, count: 2 }), catalog)[0] ?? '', /--gpu-count auto/)
  assert.match(nearestRunnable(question({ ...asked, metric: 'throughput' }), catalog)[0] ?? '', /--metric latency/)
})

test('nothing is named where nothing would do', () => {
  assert.deepEqual(nearestRunnable(question({ facts: { ...facts70b, weightsBytes: 1e14 } }), []), [])
})
