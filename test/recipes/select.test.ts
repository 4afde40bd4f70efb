import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Profile, Selection } from '../../src/recipes/profile.ts'
import type { Question } from '../../src/recipes/question.ts'
import { isRefusal, type Refusal } from '../../src/recipes/refusal.ts'
import { select } from '../../src/recipes/select.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { facts8b, facts70b, general, gpus, kinds, profile, question } from './worlds.ts'

const chosen = (asked: Question, catalog: readonly Profile[]): Selection => {
  const answer = select(asked, catalog)
  assert.ok(!isRefusal(answer), isRefusal(answer) ? answer.message : '')
  return answer
}

const refused = (asked: Question, catalog: readonly Profile[]): Refusal => {
  const answer = select(asked, catalog)
  assert.ok(isRefusal(answer))
  return answer
}

const ranked: readonly (readonly [string, Profile, Profile, Partial<Question>])[] = [
  ["the model's own profile before a general one", profile({ type: 'unoptimized' }), general(), {}],
  [
    'an earlier directory before a later one',
    profile({ source: 'mine/a.yaml', type: 'unoptimized' }),
    profile({ source: 'theirs/a.yaml' }),
    {},
  ],
  ['optimized before preview', profile(), profile({ type: 'preview', precision: 'int4' }), {}],
  ['latency before throughput when nothing was asked', profile({ precision: 'bf16' }), profile({ metric: 'throughput' }), {}],
  ['fp8 before fp16', profile(), profile({ precision: 'fp16' }), {}],
  ['int4 before fp8', profile({ precision: 'int4' }), profile(), {}],
  ['fp4 before fp8', profile({ precision: 'fp4' }), profile(), {}],
  ['fp16 before bf16', profile({ precision: 'fp16' }), profile({ precision: 'bf16' }), {}],
  ['one GPU before two', profile(), profile({ gpuCount: 2 }), { gpus: gpus('MI300X', 8) }],
  ['a product before its instruction set', profile(), profile({ gpu: 'gfx942' }), {}],
]

for (const [name, first, second, given] of ranked) {
  test(`select() prefers ${name}`, () => {
    const sources = first.source === second.source ? [second, first] : [first, second]
    const { profile: best, rejected } = chosen(question(given), sources)
    assert.equal(best.id, first.id)
    assert.equal(best.source, first.source)
    assert.equal(rejected.length, 1)
    assert.match(rejected[0]?.reasons[0] ?? '', /^fits, but .* goes first: .+ before /)
  })
}

test('select() keeps the order of the catalog among equals', () => {
  const twins = [profile({ arguments: { a: 1 } }), profile({ arguments: { a: 2 } })]
  assert.deepEqual(chosen(question(), twins).profile.arguments, { a: 1 })
})

test('select() uses fewer GPUs than the machine has', () => {
  assert.equal(chosen(question({ gpus: gpus('MI300X', 8) }), [profile()]).profile.gpuCount, 1)
})

test('select() tells of every profile of the model and of no other model', () => {
  const { rejected } = chosen(question(), [profile(), profile({ gpu: 'MI325X' }), profile({ gpu: 'MI355X', model: 'other/model' })])
  assert.deepEqual(
    rejected.map(({ id }) => id),
    ['vllm-mi325x-fp8-tp1-latency'],
  )
})

test('select() says what the choice is, what carries it and what its memory looks like', () => {
  const { reasons } = chosen(question({ facts: facts8b }), [profile()])
  assert.match(reasons.join('\n'), /optimized, latency, fp8, from recipes\/a\.yaml/)
  assert.match(reasons.join('\n'), /1 GPU of kind MI300X; here: 1x MI300X/)
  assert.match(reasons.join('\n'), /15 GiB of weights, \d+(?:\.\d)? GiB kept for the engine/)
  assert.match(chosen(question(), [profile()]).reasons.join('\n'), /could not be estimated/)
})

test('select() prefers an exact GPU match over a general profile', () => {
  assert.equal(chosen(question(), [general({ gpu: 'gfx942' }), profile()]).profile.id, 'vllm-mi300x-fp8-tp1-latency')
})

test('select() makes a general profile when no tuned one fits, and says so', () => {
  const { profile: made, reasons, rejected } = chosen(question({ gpus: gpus('R9700', 2), facts: facts8b }), [profile()])
  assert.equal(made.id, 'general/vllm-r9700-bf16-tp1-latency')
  assert.equal(made.type, 'general')
  assert.equal(made.source, 'synthesized')
  assert.match(reasons[0] ?? '', /none of its 1 tuned profiles can be used here/)
  assert.deepEqual(
    rejected.map(({ id }) => id),
    ['vllm-mi300x-fp8-tp1-latency'],
  )
})

test('select() makes none when general profiles are switched off', () => {
  const { exitCode, fix, message } = refused(question({ gpus: gpus('R9700', 1), allowGeneral: false }), [])
  assert.equal(exitCode, exitCodes.unavailable)
  assert.match(message, /no recipe knows .*switched off/)
  assert.match(fix, /AIM_ALLOW_GENERAL_PROFILE_FALLBACK=true/)
})

test('select() refuses with the numbers and the nearest thing to do when nothing fits', () => {
  const one = refused(question({ model: 'a/b', gpus: gpus('R9700', 1), facts: facts70b }), [])
  assert.equal(one.exitCode, exitCodes.unavailable)
  assert.match(one.message, /131 GiB of weights on each GPU with 32 GiB/)
  assert.match(one.fix, /more or larger GPUs/)
  const long = refused(question({ model: 'a/b', gpus: gpus('R9700', 1), facts: facts8b, overrides: { 'max-model-len': 131072 } }), [])
  assert.match(long.fix, /^set AIM_MAX_MODEL_LEN to at most \d{5}/)
  assert.equal(long.rejected.length, 1)
})

test('select() refuses a machine without GPUs for vLLM and runs the simulator on its CPU', () => {
  assert.match(refused(question({ gpus: [] }), []).fix, /AIM_GPU_COUNT=0/)
  assert.equal(chosen(question({ gpus: [], engine: 'simulator' }), [profile()]).profile.id, 'general/vllm-cpu-bf16-tp1-latency')
})

test('select() refuses GPUs of a kind nobody can name, with what to do', () => {
  assert.match(refused(question({ model: 'a/b', gpus: [{ vramBytes: 1e12 }] }), []).fix, /AIM_GPU_MODEL/)
})

test('a count that divides no heads becomes stages of a pipeline', () => {
  const { profile: three } = chosen(question({ model: 'a/b', gpus: gpus('MI300X', 4), count: 3, facts: facts70b }), [])
  assert.deepEqual([three.arguments['tensor-parallel-size'], three.arguments['pipeline-parallel-size']], [1, 3])
  const { profile: six } = chosen(question({ model: 'a/b', gpus: gpus('R9700', 6), count: 6, facts: facts70b }), [])
  assert.deepEqual([six.gpuCount, six.arguments['tensor-parallel-size'], six.arguments['pipeline-parallel-size']], [6, 2, 3])
})

test('a gated model says whose token it takes; a free checkpoint of it does not', () => {
  const recipe = { gated: true, license: 'llama3.1', task: 'generate', sources: [], weights: {} } as const
  assert.match(chosen(question(), [profile({ recipe })]).reasons.at(-1) ?? '', /is gated: .*HF_TOKEN.*llama3\.1/)
  assert.ok(!chosen(question(), [profile({ recipe, checkpoint: 'amd/free' })]).reasons.some((reason) => reason.includes('gated')))
})

test('select() does not mix kinds', () => {
  const mixed = [kinds.MI300X, kinds.R9700]
  const { profile: best } = chosen(question({ model: 'a/b', gpus: mixed, facts: facts70b }), [])
  assert.equal(best.id, 'general/vllm-mi300x-bf16-tp1-latency')
  assert.match(refused(question({ model: 'a/b', gpus: mixed, count: 2 }), []).message, /1 (?:MI300X|R9700) can be used/)
})
