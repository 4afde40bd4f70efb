import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRefusal } from '../../src/recipes/refusal.ts'
import { select } from '../../src/recipes/select.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { facts8b, general, gpus, profile, question } from './worlds.ts'

const catalog = [
  profile(),
  profile({ metric: 'throughput', manualOnly: true }),
  profile({ gpu: 'MI325X', gpuCount: 8 }),
  profile({ precision: 'fp4' }),
  general({ gpuCount: 2, precision: 'fp16' }),
]

const pinned = (profileId: string, given = {}) => select(question({ profileId, metric: 'latency', ...given }), catalog)

const idOf = (profileId: string, given = {}): string => {
  const answer = pinned(profileId, given)
  return isRefusal(answer) ? `refused: ${answer.message}` : answer.profile.id
}

const rows: readonly (readonly [string, string, object, string])[] = [
  ['its id', 'vllm-mi300x-fp8-tp1-latency', {}, 'vllm-mi300x-fp8-tp1-latency'],
  ['another metric, by hand only', 'vllm-mi300x-fp8-tp1-throughput', {}, 'vllm-mi300x-fp8-tp1-throughput'],
  ['the name that AMD gives mxfp4', 'vllm-mi300x-mxfp4-tp1-latency', {}, 'vllm-mi300x-fp4-tp1-latency'],
  [
    'a general profile of the catalog',
    'general/vllm-mi300x-fp16-tp2-latency',
    { gpus: gpus('MI300X', 2), allowGeneral: false },
    'general/vllm-mi300x-fp16-tp2-latency',
  ],
  [
    'a general profile that no file holds',
    'general/vllm-mi300x-fp16-tp1-throughput',
    { facts: facts8b },
    'general/vllm-mi300x-fp16-tp1-throughput',
  ],
  ['the CPU, which pinning asks for', 'general/vllm-cpu-bf16-tp1-latency', { gpus: [] }, 'general/vllm-cpu-bf16-tp1-latency'],
]

for (const [name, asked, given, id] of rows) test(`a pinned profile: ${name}`, () => assert.equal(idOf(asked, given), id))

test('a pinned profile must fit the machine', () => {
  const answer = pinned('vllm-mi325x-fp8-tp8-latency')
  assert.ok(isRefusal(answer))
  assert.equal(answer.exitCode, exitCodes.unavailable)
  assert.match(answer.message, /it is for MI325X; here: 1x MI300X/)
  assert.match(answer.fix, /unset AIM_PROFILE_ID/)
})

test('a pinned profile must agree with an explicit count and precision', () => {
  assert.match(idOf('vllm-mi300x-fp8-tp1-latency', { gpus: gpus('MI300X', 2), count: 2 }), /uses 1 GPU; 2 GPUs asked for/)
  assert.match(idOf('vllm-mi300x-fp8-tp1-latency', { precision: 'fp16' }), /is fp8; fp16 was asked for/)
})

test('a bare id does not reach a general profile', () => {
  assert.match(idOf('vllm-mi300x-fp16-tp2-latency', { gpus: gpus('MI300X', 2) }), /^refused/)
})

test('an unknown id is bad configuration and gets the nearest ids', () => {
  const answer = pinned('vllm-mi300-fp8-tp1-latency')
  assert.ok(isRefusal(answer))
  assert.equal(answer.exitCode, exitCodes.config)
  assert.match(answer.fix, /nearest: vllm-mi300x-fp8-tp1-latency/)
})
