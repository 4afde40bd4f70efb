import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalId, generalId, profileId, readGeneralId } from '../../src/recipes/id.ts'

const parts = { engine: 'vllm', gpu: 'MI300X', gpuCount: 2, precision: 'fp8', metric: 'latency' } as const

test('an id says engine, GPU, precision, ways and metric', () => {
  assert.equal(profileId(parts), 'vllm-mi300x-fp8-tp2-latency')
  assert.equal(generalId(parts), 'general/vllm-mi300x-fp8-tp2-latency')
  assert.equal(profileId({ ...parts, gpu: 'CPU', gpuCount: 0 }), 'vllm-cpu-fp8-tp1-latency')
})

test('canonicalId() takes any case, a file ending and the name of mxfp4', () => {
  assert.equal(canonicalId('vLLM-MI300X-mxfp4-tp1-latency.yaml'), 'vllm-mi300x-fp4-tp1-latency')
})

test('readGeneralId() reads what generalId() writes, and nothing else', () => {
  assert.deepEqual(readGeneralId(generalId(parts)), { gpu: 'mi300x', gpuCount: 2, precision: 'fp8', metric: 'latency' })
  assert.equal(readGeneralId('general/vllm-cpu-bf16-tp1-throughput')?.gpuCount, 0)
  for (const id of ['vllm-mi300x-fp8-tp2-latency', 'general/vllm-mi300x-fp9-tp2-latency', 'general/x'])
    assert.equal(readGeneralId(id), undefined)
})
