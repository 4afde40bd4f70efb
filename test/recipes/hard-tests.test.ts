import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeGpus, failingsOf } from '../../src/recipes/hard-tests.ts'
import type { Profile } from '../../src/recipes/profile.ts'
import type { Question } from '../../src/recipes/question.ts'
import { gib } from '../../src/std/bytes.ts'
import { facts8b, facts70b, general, gpus, kinds, model, profile, question } from './worlds.ts'

const quantized = 'amd/Llama-3.1-8B-Instruct-FP8-KV'

/** What is asked of what, and the sentences that must come back; none means a choice. */
const rows: readonly (readonly [string, Profile, Question, readonly RegExp[]])[] = [
  ['all is well', profile(), question(), []],
  ['another engine', profile({ engine: 'sglang' }), question(), [/^is for sglang, not vllm$/]],
  ['the simulator takes vLLM profiles', profile(), question({ engine: 'simulator' }), []],
  ['another GPU', profile({ gpu: 'MI325X' }), question(), [/^is for MI325X; here: 1x MI300X$/]],
  ['its instruction set', profile({ gpu: 'gfx942' }), question(), []],
  ['no GPU at all', profile(), question({ gpus: [] }), [/here: no GPU$/]],
  ['too few GPUs', profile({ gpuCount: 4 }), question({ gpus: gpus('MI300X', 2) }), [/^needs 4 GPUs; 2 MI300X can be used$/]],
  ['fewer than there are', profile(), question({ gpus: gpus('MI300X', 8) }), []],
  ['another count asked for', profile(), question({ gpus: gpus('MI300X', 2), count: 2 }), [/^uses 1 GPU; 2 GPUs asked for$/]],
  ['another precision asked for', profile(), question({ precision: 'fp16' }), [/^is fp8; fp16 was asked for$/]],
  ['a format the chip has not', profile({ gpu: 'MI210' }), question({ gpus: gpus('MI210', 1) }), [/^gfx90a cannot compute in fp8$/]],
  [
    'another metric',
    profile({ metric: 'throughput' }),
    question({ metric: 'latency' }),
    [/^is tuned for throughput; latency was asked for$/],
  ],
  ['no metric asked for', profile({ metric: 'throughput' }), question(), []],
  ['by hand only', profile({ manualOnly: true }), question(), [/^is chosen by hand only$/]],
  ['general ones switched off', general(), question({ allowGeneral: false }), [/general profile.*switched off$/]],
  [
    'pinned: metric and hand do not count',
    profile({ manualOnly: true, metric: 'throughput' }),
    question({ profileId: 'x', metric: 'latency' }),
    [],
  ],
  ['the weights at hand', profile({ checkpoint: quantized }), question({ repository: quantized }), []],
  [
    'other weights',
    profile({ checkpoint: quantized }),
    question({ repository: model }),
    [/^loads amd\/.*; this choice is for the weights of meta-llama/],
  ],
  [
    'heads that do not divide',
    profile({ gpuCount: 8 }),
    question({ gpus: gpus('MI300X', 8), facts: { ...facts8b, attentionHeads: 28, kvHeads: 4 } }),
    [/28 attention heads and 4 KV heads 8 ways/],
  ],
  [
    'a context beyond the model',
    profile(),
    question({ facts: { ...facts8b, contextLength: 8192 } }),
    [/^wants a context of 32768 tokens; the model was made for 8192$/],
  ],
  [
    'a context stretched by hand',
    profile(),
    question({ facts: { ...facts8b, contextLength: 8192 }, overrides: { 'hf-overrides': {} } }),
    [],
  ],
  [
    'weights too large',
    profile({ gpu: 'R9700', precision: 'bf16' }),
    question({ gpus: gpus('R9700', 1), facts: facts70b }),
    [/131 GiB of weights on each GPU with 32 GiB, which leaves nothing/],
  ],
  [
    'a context too large',
    profile({ gpu: 'R9700', precision: 'bf16' }),
    question({ gpus: gpus('R9700', 1), facts: facts8b, overrides: { 'max-model-len': 131072 } }),
    [/a request of 131072 tokens does not fit beside them, at most \d{5} do/],
  ],
  [
    'the same in an 8-bit cache',
    profile({ gpu: 'R9700', precision: 'bf16' }),
    question({ gpus: gpus('R9700', 1), facts: facts8b, overrides: { 'max-model-len': '128K', 'kv-cache-dtype': 'fp8' } }),
    [],
  ],
  [
    'a context cut to what fits',
    profile({ gpu: 'R9700', precision: 'bf16' }),
    question({ gpus: gpus('R9700', 1), facts: facts8b, overrides: { 'max-model-len': 'auto' } }),
    [],
  ],
  [
    'weights kept elsewhere',
    profile({ gpu: 'R9700', precision: 'bf16' }),
    question({ gpus: gpus('R9700', 1), facts: facts70b, overrides: { 'cpu-offload-gb': 120 } }),
    [],
  ],
  ['memory nobody knows', profile(), question({ gpus: [{ product: 'MI300X' }], facts: facts70b }), []],
  [
    'a CPU profile unasked',
    profile({ gpu: 'CPU', gpuCount: 0, precision: 'bf16' }),
    question(),
    [/^runs on the CPU, which was not asked for$/],
  ],
  ['a CPU profile asked for', profile({ gpu: 'CPU', gpuCount: 0, precision: 'bf16' }), question({ count: 0 }), []],
  ['the simulator takes the CPU unasked', profile({ gpu: 'CPU', gpuCount: 0 }), question({ engine: 'simulator', gpus: [] }), []],
  ['a GPU profile when the CPU was asked for', profile(), question({ count: 0 }), [/the CPU was asked for$/]],
  [
    'too little host memory',
    profile({ gpu: 'CPU', gpuCount: 0, precision: 'bf16' }),
    question({ count: 0, facts: facts8b, memoryBytes: gib(16) }),
    [/^needs 15 GiB for weights/],
  ],
  [
    'the simulator loads nothing',
    profile({ gpu: 'CPU', gpuCount: 0 }),
    question({ engine: 'simulator', count: 0, facts: facts70b, memoryBytes: gib(2) }),
    [],
  ],
  [
    'an engine too old',
    profile({ minimumEngine: '0.19.1' }),
    question({ engineVersion: '0.19.0rc2' }),
    [/^needs vllm 0\.19\.1; here: 0\.19\.0rc2$/],
  ],
  ['an engine as old as needed', profile({ minimumEngine: '0.19.1' }), question({ engineVersion: 'v0.20.0' }), []],
  ['an engine of unknown age', profile({ minimumEngine: '0.19.1' }), question(), []],
  ['GPUs that are divided', profile(), question({ gpus: [{ ...kinds.MI300X, computePartition: 'CPX' }] }), [/divided \(CPX\)$/]],
  ['a whole GPU says so', profile(), question({ gpus: [{ ...kinds.MI300X, computePartition: 'SPX' }] }), []],
  [
    'weights that the recipe knows before the hub does',
    profile({ gpu: 'R9700', precision: 'bf16', recipe: { gated: false, task: 'generate', sources: [], weights: { bf16: gib(61) } } }),
    question({ gpus: gpus('R9700', 1) }),
    [/61 GiB of weights on each GPU with 32 GiB/],
  ],
  // Every test speaks, not only the first.
  [
    'all at once',
    profile({ gpu: 'MI325X', manualOnly: true, metric: 'throughput' }),
    question({ metric: 'latency', precision: 'fp16', count: 2 }),
    [/MI325X/, /2 GPUs asked/, /fp16/, /throughput/, /by hand/],
  ],
]

for (const [name, candidate, asked, sentences] of rows) {
  test(`hard tests: ${name}`, () => {
    const failings = failingsOf(candidate, asked)
    assert.equal(failings.length, sentences.length, failings.map(({ sentence }) => sentence).join('; '))
    for (const [at, pattern] of sentences.entries()) assert.match(failings[at]?.sentence ?? '', pattern)
    for (const { fix } of failings) assert.notEqual(fix, '')
  })
}

test('GPUs whose memory is not known are told so, because every model would seem to fit them', () => {
  const { MI300X } = kinds
  assert.equal(describeGpus([MI300X, MI300X, { product: 'RX7900' }]), '2x MI300X, 1x RX7900 of unknown memory')
  assert.equal(describeGpus([{ gfx: 'gfx1201' }]), '1x gfx1201 of unknown memory')
})
