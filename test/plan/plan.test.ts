import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Inventory } from '../../src/hardware/inventory.ts'
import type { Launch, ModelSource } from '../../src/plan/launch.ts'
import { plan, repositoryFor } from '../../src/plan/plan.ts'
import { describeRefusal, isRefusal, type Refusal } from '../../src/plan/refusal.ts'
import type { Request } from '../../src/plan/request.ts'
import type { Profile } from '../../src/recipes/profile.ts'
import { gib } from '../../src/std/bytes.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { facts8b, facts70b, model, profile } from '../recipes/worlds.ts'
import { adapter, inventory, machineGpus, policy, request, source } from './worlds.ts'

const quantized = 'amd/Llama-3.1-8B-Instruct-FP8-KV'

const catalog: readonly Profile[] = [
  profile({ checkpoint: quantized, environment: { VLLM_ROCM_USE_AITER: '1' } }),
  profile({ checkpoint: quantized, gpuCount: 2 }),
  profile({ precision: 'fp16', arguments: { 'max-model-len': 32768, dtype: 'float16' } }),
]

const one = inventory(machineGpus('MI300X'))
const none = inventory([])

const answer = (asked: Request, machine: Inventory, from: ModelSource = source(), recipes = catalog) =>
  plan(asked, machine, recipes, from, policy, adapter)

const launch = (...given: Parameters<typeof answer>): Launch => {
  const result = answer(...given)
  assert.ok(!isRefusal(result), isRefusal(result) ? describeRefusal(result) : '')
  return result
}

const refusal = (...given: Parameters<typeof answer>): Refusal => {
  const result = answer(...given)
  assert.ok(isRefusal(result))
  return result
}

test('a launch names the profile, the GPUs, the whole command line, the files and the reasons', () => {
  const made = launch(request(), one)
  assert.equal(made.profile.id, 'vllm-mi300x-fp16-tp1-latency')
  assert.deepEqual(made.engine.argv.slice(0, 3), ['vllm', 'serve', source().path])
  assert.match(made.engine.argv.join(' '), /--max-model-len 32768 --dtype "float16"/)
  assert.deepEqual(
    made.gpus.map(({ index }) => index),
    [0],
  )
  assert.deepEqual(made.artifacts, [source().artifact])
  assert.deepEqual(made.model.servedNames, [model])
  assert.equal(made.policy, policy)
  assert.equal(made.resources.gpus, 1)
  assert.ok(made.reasons.length >= 4)
  assert.deepEqual(
    made.rejected.map(({ id }) => id),
    ['vllm-mi300x-fp8-tp1-latency', 'vllm-mi300x-fp8-tp2-latency'],
  )
})

test('the repository is asked for first, and the plan is then for its weights', () => {
  assert.equal(repositoryFor(request(), one, catalog), quantized)
  const made = launch(request(), one, source({ id: quantized }))
  assert.equal(made.profile.id, 'vllm-mi300x-fp8-tp1-latency')
  assert.equal(made.model.id, model)
  assert.deepEqual(made.model.servedNames, [quantized, model])
  assert.equal(made.engine.env.VLLM_ROCM_USE_AITER, '1')
})

test('without a recipe the repository is the model itself', () => {
  assert.equal(repositoryFor(request({ model: 'a/b' }), one, catalog), 'a/b')
  const refused = repositoryFor(request(), none, catalog)
  assert.ok(typeof refused !== 'string' && refused.exitCode === exitCodes.unavailable)
})

test('fewer GPUs than there are leave the others idle behind a mask', () => {
  const made = launch(request({ gpuCount: 2 }), inventory(machineGpus('R9700', 'MI300X', 'MI300X', 'MI300X')), source({ id: quantized }))
  assert.equal(made.engine.env.HIP_VISIBLE_DEVICES, '1,2')
  assert.match(made.engine.argv.join(' '), /--tensor-parallel-size 2/)
  assert.match(made.reasons.join('\n'), /leaves GPU 0, 3 idle/)
  assert.equal(made.resources.shmBytes, gib(8))
  assert.equal('HIP_VISIBLE_DEVICES' in launch(request(), one).engine.env, false)
})

test('parallel sizes in the arguments say how many GPUs, and must agree with a count', () => {
  const four = inventory(machineGpus('MI300X', 'MI300X', 'MI300X', 'MI300X'))
  const made = launch(request({ engineArguments: { 'tensor-parallel-size': 2 } }), four, source({ id: quantized }))
  assert.equal(made.profile.id, 'vllm-mi300x-fp8-tp2-latency')
  assert.equal(launch(request({ extraArguments: ['-tp', '2'] }), four, source({ id: quantized })).gpus.length, 2)
  const refused = refusal(request({ gpuCount: 4, engineArguments: { 'tensor-parallel-size': 2 } }), four)
  assert.equal(refused.exitCode, exitCodes.config)
  assert.match(refused.fix, /AIM_GPU_COUNT=2/)
})

test('the largest length the user wants is what the memory is weighed with', () => {
  const r9700 = inventory(machineGpus('R9700'))
  assert.match(launch(request({ maxModelLength: 8192 }), r9700).engine.argv.join(' '), /--max-model-len 8192/)
  assert.match(refusal(request({ maxModelLength: 131072 }), r9700).fix, /AIM_MAX_MODEL_LEN to at most \d{5}/)
  assert.match(launch(request(), r9700).engine.argv.join(' '), /--max-model-len "auto"/)
})

test('on the CPU the engine gets room for its cache, by a rule that is said', () => {
  const made = launch(request({ gpuCount: 0 }), none)
  assert.equal(made.profile.id, 'general/vllm-cpu-bf16-tp1-latency')
  assert.equal(made.engine.env.VLLM_CPU_KVCACHE_SPACE, '40')
  assert.deepEqual(made.gpus, [])
  assert.match(made.reasons.join('\n'), /40 GiB of KV cache on the CPU: a quarter/)
  assert.equal(made.resources.memoryBytes, 16060556376 + gib(44))
})

test('the simulator takes a machine without GPUs for a CPU, whatever the model weighs', () => {
  const laptop = inventory([], { driver: false, host: { cpus: 4, memoryBytes: gib(8) } })
  const made = launch(
    request({ engine: 'simulator', engineCommand: ['node', 'main.ts', 'simulator'] }),
    laptop,
    source({ facts: facts70b }),
  )
  assert.equal(made.engine.name, 'simulator')
  assert.deepEqual(made.engine.argv.slice(0, 4), ['node', 'main.ts', 'simulator', 'serve'])
  assert.equal(made.gpus.length, 0)
})

test('the simulator rehearses on GPUs with the profiles of vLLM', () => {
  assert.equal(launch(request({ engine: 'simulator' }), one).profile.id, 'vllm-mi300x-fp16-tp1-latency')
})

const machines: readonly (readonly [string, Inventory, number, RegExp])[] = [
  ['no driver', inventory([], { driver: false }), exitCodes.unavailable, /the amdgpu driver is not loaded/],
  ['no GPU', none, exitCodes.unavailable, /the amdgpu driver knows none/],
  [
    'hidden ones',
    inventory([], {
      hidden: [
        { node: 1, reason: 'hidden by ROCR_VISIBLE_DEVICES=' },
        { node: 2, reason: 'hidden by ROCR_VISIBLE_DEVICES=' },
      ],
    }),
    exitCodes.unavailable,
    /2 GPUs are not ours: hidden by ROCR_VISIBLE_DEVICES=/,
  ],
  [
    'not given',
    inventory([], { blocked: { reason: '1 GPU is in this machine, but none is given', fix: 'give it' } }),
    exitCodes.unavailable,
    /none is given/,
  ],
  [
    'not permitted',
    inventory(machineGpus('MI300X'), { blocked: { reason: 'this user may not read and write /dev/kfd (EACCES)', fix: '--group-add 110' } }),
    exitCodes.permission,
    /\/dev\/kfd \(EACCES\)/,
  ],
]

for (const [name, machine, exitCode, message] of machines) {
  test(`vLLM without a usable GPU is refused with why and both ways out: ${name}`, () => {
    for (const gpuCount of ['auto', 2] as const) {
      const refused = refusal(request({ gpuCount }), machine)
      assert.equal(refused.exitCode, exitCode)
      assert.match(refused.message, message)
      assert.match(refused.fix, /AIM_GPU_COUNT=0/)
    }
    assert.equal(launch(request({ gpuCount: 0 }), machine).gpus.length, 0)
  })
}

test('a refusal for too few GPUs tells of the hidden ones', () => {
  const machine = inventory(machineGpus('MI300X'), { hidden: [{ node: 2, reason: 'not given to this container' }] })
  assert.match(refusal(request({ gpuCount: 2 }), machine).message, /1 GPU is not ours: not given to this container/)
})

test('a pinned CPU profile asks for the CPU itself', () => {
  assert.equal(launch(request({ profileId: 'general/vllm-cpu-bf16-tp1-latency' }), none).gpus.length, 0)
})

test("a profile does not overrule the user's own variables, and says so", () => {
  const made = launch(request({ engineEnvironment: { VLLM_ROCM_USE_AITER: '0' } }), one, source({ id: quantized }))
  assert.equal('VLLM_ROCM_USE_AITER' in made.engine.env, false)
  assert.match(made.reasons.join('\n'), /VLLM_ROCM_USE_AITER is yours; the profile would set 1/)
})

test('a launch holds no secret and takes no model from the arguments', () => {
  const secret = refusal(request({ engineArguments: { 'api-key': 'sk-secret' } }), one)
  assert.equal(secret.exitCode, exitCodes.config)
  assert.ok(!describeRefusal(secret).includes('sk-secret'))
  assert.match(refusal(request({ engineArguments: { model: 'x/y' } }), one).fix, /AIM_MODEL_ID/)
  assert.ok(isRefusal(answer(request(), one, source(), [profile({ environment: { HF_TOKEN: 'hf_x' } })])))
})

test('a local directory is served by a general profile, with nothing to fetch', () => {
  const local: ModelSource = { id: '/models/mine', path: '/models/mine', facts: facts8b }
  const made = launch(request({ model: '/models/mine', servedNames: ['mine'] }), one, local)
  assert.deepEqual(made.artifacts, [])
  assert.equal(made.resources.downloadBytes, undefined)
  assert.deepEqual(made.model.servedNames, ['mine'])
})

test('describeRefusal() shows message, fix and every rejected profile', () => {
  const text = describeRefusal(refusal(request({ gpuCount: 8 }), one))
  assert.match(text, /^cannot serve meta-llama/)
  assert.match(text, /\n {2}fix: /)
  assert.match(text, /\n {2}not vllm-mi300x-fp8-tp1-latency: uses 1 GPU; 8 GPUs asked for; loads amd/)
})
