/**
 * What AMD's runtime 0.9 gets wrong, one row each, in the order of its acceptance list: what its users may count on here. Rows that take a
 * running engine are in the e2e suite (supervision), those of shapes in amd.test.ts.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { parseAmdSmi } from '../../../src/hardware/amd-smi.ts'
import { loadCatalog } from '../../../src/recipes/catalog.ts'
import { isRefusal } from '../../../src/recipes/refusal.ts'
import { select } from '../../../src/recipes/select.ts'
import { synthesize } from '../../../src/recipes/synthesize.ts'
import { mi300x } from '../../fixtures/hardware/machines.ts'
import { writeTree } from '../../fixtures/hardware/tree.ts'
import { asks, decide, models } from '../../golden/plans.ts'
import { aimCommand, bareEnvironment } from '../../stage/aim.ts'

const repository = join(import.meta.dirname, '../../..')
const { profiles } = await loadCatalog([join(repository, 'recipes')])
const [small, large] = ['meta-llama/Llama-3.1-8B-Instruct', 'Qwen/Qwen3-32B']

const profileText = (gpu: string, count: number) => `aim_id: a/m
model_id: a/m
metadata: { engine: vllm, gpu: ${gpu}, gpu_count: ${count}, manual_selection_only: false, metric: latency, precision: fp8, type: optimized }
engine_args: { enable-log-requests: false }
env_vars: {}
`

/** What a model image is to AMD: profiles of its own only. */
const image = { allowGeneral: false }

test('1: every model of AMD starts by itself on eight MI300X with its own profiles', () => {
  for (const model of models) assert.ok(!isRefusal(decide(asks(model, 'MI300X', 8, image), profiles).answer), model)
})

test('2: any number of GPUs will do: an 8B model takes one of eight, and 3, 5, 6, 7 are no reason to refuse', () => {
  for (const amount of [1, 2, 3, 4, 5, 6, 7, 8]) {
    for (const model of [small, large]) {
      const { answer } = decide(asks(model, 'MI300X', amount, image), profiles)
      assert.equal(isRefusal(answer) ? answer.message : answer.profile.gpuCount, 1, `${model} on ${amount}`)
    }
  }
  const unknown = { ...asks(small, 'MI300X', 1), gpus: [{ gfx: 'gfx1151', vramBytes: 96 * 2 ** 30 }] }
  assert.ok(!isRefusal(select(unknown, profiles)))
})

test('3: a general profile does not force float16 on every model, and is made for every GPU', () => {
  for (const product of ['MI355X', 'R9700', 'RX7900XTX', 'MI210']) {
    const [made] = synthesize(asks('nobody/knows', product, 1))
    assert.deepEqual([made?.gpu, made?.arguments.dtype], [product, undefined])
  }
})

test('11: a reading of N/A is no reading, and no error', () => {
  const list = JSON.stringify([{ gpu: 0, bdf: '0000:1b:00.0', uuid: 'N/A', kfd_id: 'N/A', node_id: 1, partition_id: 'N/A' }])
  assert.doesNotThrow(() => parseAmdSmi(list, JSON.stringify([{ gpu: 0, asic: 'N/A', vram: { size: 'N/A' } }])))
})

test('12: GPUs of several kinds are all looked at, not the first alone, and one model runs on equal ones', () => {
  const question = { ...asks(large, 'MI300X', 2), gpus: [...asks(small, 'R9700', 1).gpus, ...asks(small, 'MI300X', 2).gpus] }
  const answer = select(question, profiles)
  assert.equal(isRefusal(answer) ? answer.message : answer.profile.gpu, 'MI300X')
})

test('17: the manifest that we ship has a startup, a liveness and a readiness probe', () => {
  const documents = parseAllDocuments(readFileSync(join(repository, 'docker/kubernetes/aim.yaml'), 'utf8'))
  const text = JSON.stringify(documents.map((document) => document.toJS()))
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) assert.ok(text.includes(`"${probe}"`), probe)
})

describe("AMD's shortcomings on the command line", () => {
  let [recipes, machine]: [string, string] = ['', '']
  before(() => {
    recipes = mkdtempSync(join(tmpdir(), 'aim-conformance-'))
    machine = join(recipes, 'machine')
    writeTree(mi300x(8), machine)
    mkdirSync(join(recipes, 'custom/a/m'), { recursive: true })
    writeFileSync(join(recipes, 'custom/a/m/vllm-mi300x-fp8-tp1-latency.yaml'), profileText('MI300X', 1))
    writeFileSync(join(recipes, 'custom/a/m/vllm-mi325x-fp8-tp8-latency.yaml'), profileText('MI325X', 8))
  })
  after(() => rmSync(recipes, { recursive: true }))

  const run = (words: readonly string[], environment: Record<string, string> = {}) => {
    const [file, ...rest] = aimCommand
    const own = {
      AIM_RECIPES_PATH: join(recipes, 'custom'),
      AIM_SYSFS_ROOT: machine,
      HF_ENDPOINT: 'http://127.0.0.1:9',
      HF_HUB_OFFLINE: '1',
    }
    const { status, stdout, stderr } = spawnSync(file, [...rest, ...words], {
      encoding: 'utf8',
      env: { ...bareEnvironment(), ...own, ...environment },
    })
    return { code: status, stdout, stderr }
  }

  const slips: readonly (readonly [name: string, value: string])[] = [
    ['AIM_PRECISION', 'fp9'],
    ['AIM_GPU_COUNT', 'two'],
    ['AIM_METRIC', 'speed'],
    ['AIM_ENGINE', 'tgi'],
    ['AIM_ENGINE_ARGS', '{broken'],
    ['AIM_PORT', 'abc'],
  ]
  test('4: no slip starts something else: all are told at once, by name, with 78', () => {
    const { code, stderr, stdout } = run(['plan'], { AIM_MODEL_ID: 'a/m', ...Object.fromEntries(slips) })
    assert.deepEqual([code, stdout], [78, ''])
    for (const [name] of slips) assert.ok(stderr.includes(name), name)
  })

  test('4: AIM_STRICT=false warns and goes on, but for what AMD refuses too', () => {
    const lenient = Object.fromEntries(slips.filter(([name]) => name !== 'AIM_PORT' && name !== 'AIM_GPU_COUNT'))
    const { code, stderr } = run(['dry-run'], { AIM_MODEL_ID: 'a/m', AIM_STRICT: 'false', ...lenient })
    assert.equal(code, 0, stderr)
    for (const name of Object.keys(lenient)) assert.ok(stderr.includes(name), name)
  })

  test('5: a flag that is false is said aloud; 14: custom profiles are found by AIM_MODEL_ID too', () => {
    const { code, stdout, stderr } = run(['dry-run'], { AIM_MODEL_ID: 'a/m' })
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^Path: .*custom\/a\/m\/vllm-mi300x-fp8-tp1-latency\.yaml$/m)
    assert.match(stdout, /\nexec vllm serve a\/m .*--no-enable-log-requests/)
  })

  test('6: a pinned profile is held to the hardware', () => {
    const { code, stderr } = run(['plan', 'a/m'], { AIM_PROFILE_ID: 'custom/a/m/vllm-mi325x-fp8-tp8-latency' })
    assert.equal(code, 69)
    assert.match(stderr, /is for MI325X; here: 8x MI300X/)
  })

  test('7: a key among the engine arguments is refused and shown nowhere', () => {
    const { code, stdout, stderr } = run(['plan', 'a/m'], { AIM_ENGINE_ARGS: '{"api-key":"sk-very-secret"}' })
    assert.equal(code, 78)
    assert.ok(!`${stdout}${stderr}`.includes('sk-very-secret'), stderr)
  })

  test('9: a dry run that finds nothing fails; 18: and says for which model', () => {
    const { code, stdout, stderr } = run(['dry-run', '--format', 'json'], {
      AIM_ID: 'a/m',
      AIM_PRECISION: 'int4',
      AIM_ALLOW_GENERAL_PROFILE_FALLBACK: 'no',
    })
    assert.deepEqual([code, stdout], [69, '[]\n'])
    assert.ok(stderr.includes('a/m') && !stderr.includes('None'), stderr)
  })

  test('10: an empty directory in the cache is no model', () => {
    const cache = join(recipes, 'cache')
    mkdirSync(join(cache, 'a/m'), { recursive: true })
    const { code, stderr } = run(['plan', 'a/m'], { AIM_CACHE_PATH: cache })
    assert.equal(code, 78)
    assert.match(stderr, /the cache at .*\/hub does not hold it/)
  })

  test('12: a mask of the user counts', () => {
    const { stdout, stderr } = run(['gpus', '--format', 'json'], { HIP_VISIBLE_DEVICES: '2,3' })
    assert.equal((JSON.parse(stdout) as { gpus: readonly unknown[] }).gpus.length, 2, stderr)
  })

  test('13: flags that newer engines have dropped are left out of a profile that still carries them, and it is said', () => {
    const file = join(recipes, 'custom/a/m/vllm-mi300x-fp16-tp1-throughput.yaml')
    const old = profileText('MI300X', 1).replace('fp8', 'fp16').replace('metric: latency', 'metric: throughput')
    writeFileSync(file, old.replace('false }', 'false, swap-space: 64, max-seq-len-to-capture: 32768 }'))
    const environment = { AIM_MODEL_ID: 'a/m', AIM_METRIC: 'throughput' }
    const script = run(['dry-run'], environment)
    const { stdout } = run(['plan', '--gpu', 'MI300X', '--format', 'json'], { ...environment, AIM_SYSFS_ROOT: join(recipes, 'custom') })
    rmSync(file)
    assert.equal(script.code, 0, script.stderr)
    assert.match(script.stdout, /\nexec vllm serve a\/m (?!.*(?:swap-space|max-seq-len)).*--no-enable-log-requests/)
    assert.match(stdout, /--swap-space is no flag of vllm .*: .*so it is left out/)
  })

  test('15: hf:// is a name for a model everywhere', () => {
    const { code, stdout, stderr } = run(['dry-run'], { AIM_MODEL_ID: 'hf://a/m' })
    assert.equal(code, 0, stderr)
    assert.match(stdout, /\nexec vllm serve a\/m /)
  })

  test('16: a prefetch on a machine without GPUs asks the hub, and no profile', () => {
    const { code, stderr } = run(['download-to-cache'], { AIM_ID: 'b/other', AIM_SYSFS_ROOT: join(recipes, 'custom') })
    assert.equal(code, 78)
    assert.match(stderr, /HF_HUB_OFFLINE forbids asking the hub/)
  })

  test('18: no colour in a pipe', () => {
    assert.ok(!run(['list-profiles'], { AIM_ID: 'a/m', FORCE_COLOR: '' }).stdout.includes('\u001B'))
  })

  test('19: the option names of the documentation and those of the code are both taken', () => {
    const { stdout } = run(['download-to-cache', '--help'])
    for (const option of ['--model-id', '--use-hf-cache', '--custom-model-name', '--model-name']) assert.ok(stdout.includes(option), option)
  })
})
