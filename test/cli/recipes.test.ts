/** `aim recipes` and plans for machines that are not here, as a user calls them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { aimCommand, bareEnvironment } from '../stage/aim.ts'

const aim = (...words: readonly string[]) => {
  const [file, ...rest] = aimCommand
  const env = { ...bareEnvironment(), HF_HUB_OFFLINE: '1' }
  const { status, stdout, stderr } = spawnSync(file, [...rest, ...words], { encoding: 'utf8', env })
  return { code: status, stdout, stderr }
}

type Row = { readonly model: string; readonly standing: string; readonly profile?: string; readonly needs?: readonly string[] }

describe('aim recipes', () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'aim-recipes-cli-'))
  })
  after(() => rmSync(directory, { recursive: true }))

  test('says of every model how it stands to a machine, and what would do', () => {
    const { code, stdout } = aim('recipes', '--gpu-model', 'R9700', '--gpu-count', '2', '--format', 'json')
    assert.equal(code, 0)
    const rows = new Map((JSON.parse(stdout) as readonly Row[]).map((row) => [row.model, row]))
    assert.ok(rows.size > 20)
    assert.deepEqual(rows.get('meta-llama/Llama-3.1-8B-Instruct')?.profile, 'vllm-r9700-bf16-tp1-latency')
    const large = rows.get('meta-llama/Llama-3.3-70B-Instruct')
    assert.deepEqual([large?.standing, large?.needs?.[0]], ['needs more GPUs', '4x R9700'])
    assert.equal(rows.get('deepseek-ai/DeepSeek-R1-0528')?.standing, 'needs more memory')
  })

  test('is a table by standing, best first', () => {
    const { stdout } = aim('recipes', '--gpu-model', 'MI300X', '--gpu-count', '1')
    assert.match(
      stdout,
      /^here: 1x MI300X\n\nRUNS HERE +PROFILE +GPUS +WEIGHTS +TASK +LICENSE\n.*\n\nNEEDS MORE GPUS +PRECISIONS +TASK +LICENSE +WOULD RUN ON\n/s,
    )
  })

  test('lists the profiles of a model with what is against each', () => {
    const { stdout } = aim('recipes', 'Qwen/Qwen3-32B', '--gpu-model', 'MI300X', '--gpu-count', '1')
    assert.match(
      stdout,
      /^here: 1x MI300X; serve takes vllm-mi300x-fp16-tp1-latency\n\nRUNS HERE .*\n {2}vllm-mi300x-fp16-tp1-latency .*\n\nNEEDS MORE GPUS .*needs 2 GPUs; 1 MI300X can be used\n/s,
    )
  })

  test('--why says all that is for and against one profile, and where its numbers are from', () => {
    const why = (id: string) => aim('recipes', 'Qwen/Qwen3-32B', '--gpu-model', 'MI300X', '--gpu-count', '1', '--why', id).stdout
    assert.match(
      why('vllm-mi300x-fp8-tp2-latency'),
      /: needs more GPUs\n.*it needs 2 GPUs; 1 MI300X can be used\n {4}fix: .*\n {2}source: /s,
    )
    assert.match(
      why('vllm-mi300x-fp8-tp1-latency'),
      /: runs here\n.*vllm-mi300x-fp16-tp1-latency goes first: optimized before unoptimized\n/s,
    )
  })

  test('a model or a profile that nobody knows gets the nearest', () => {
    const [model, id] = [aim('recipes', 'Qwen/Qwen3-33B'), aim('recipes', 'Qwen/Qwen3-32B', '--why', 'vllm-mi300x-fp8-tp1-latenc')]
    assert.deepEqual([model.code, id.code, model.stdout], [78, 78, ''])
    assert.match(model.stderr, /did you mean Qwen\/Qwen3-32B\?/)
    assert.match(id.stderr, /did you mean vllm-mi300x-fp8-tp1-latency\?/)
  })

  test('new begins a recipe that validate takes, from a file too', () => {
    const path = join(directory, 'own.yaml')
    writeFileSync(path, aim('recipes', 'new', 'acme/own-7b', '--gpu-model', 'MI300X', '--gpu-count', '2').stdout)
    const { code, stdout } = aim('recipes', 'validate', path)
    assert.deepEqual([code, stdout], [0, `${path}: 1 file, 2 profiles, no problem\n`])
    assert.match(readFileSync(path, 'utf8'), /^# recipes\/acme\/own-7b\.yaml: .*\nmodel: acme\/own-7b\n/)
  })

  test('validate says file, line and column of every problem, and ends with 78', () => {
    const path = join(directory, 'bad.yaml')
    writeFileSync(
      path,
      'model: a/m\nsources: [here]\nprofiles:\n  - { gpu: MI300X, count: 1, precision: fp6, metric: latency, typ: preview }\n',
    )
    const { code, stdout } = aim('recipes', 'validate', directory)
    assert.equal(code, 78)
    assert.match(stdout, /bad\.yaml:4:41: profiles\[0\]\.precision /)
    assert.match(stdout, /bad\.yaml:4:63: profiles\[0\]\.typ is not a key of the recipe format; did you mean type\?/)
  })

  test('schema is the file that editors are given', () => {
    const { stdout } = aim('recipes', 'schema')
    assert.deepEqual(JSON.parse(stdout), JSON.parse(readFileSync(join(import.meta.dirname, '../../recipes/recipe.schema.json'), 'utf8')))
  })
})

describe('aim plan for GPUs that are not here', () => {
  test('is made with what the recipe knows of the weights', () => {
    const { code, stdout, stderr } = aim('plan', 'Qwen/Qwen3-32B', '--gpu-model', 'MI300X', '--gpu-count', '1', '--format', 'json')
    assert.equal(code, 0, stderr)
    const { profile, gpus, reasons } = JSON.parse(stdout) as {
      profile: { id: string }
      gpus: readonly unknown[]
      reasons: readonly string[]
    }
    assert.deepEqual([profile.id, gpus.length], ['vllm-mi300x-fp16-tp1-latency', 1])
    assert.ok(reasons.some((reason) => reason.includes('61 GiB of weights')))
    assert.match(stderr, /this plan is for 1x MI300X, which this machine does not have/)
  })

  test('is a refusal with its numbers as a document too, with every profile and what would run', () => {
    const words = ['plan', 'meta-llama/Llama-3.3-70B-Instruct', '--gpu', 'R9700', '--count', '2', '--format', 'json']
    const { code, stdout, stderr } = aim(...words)
    const { kind, exitCode, rejected, nearest } = JSON.parse(stdout) as {
      kind: string
      exitCode: number
      rejected: readonly { reasons: readonly string[] }[]
      nearest: readonly string[]
    }
    assert.deepEqual([code, kind, exitCode], [69, 'refusal', 69])
    assert.ok(rejected.length > 10 && rejected.every(({ reasons }) => reasons.length > 0) && nearest.length > 0)
    assert.match(stderr, /34 GiB of weights/)
  })

  test('without a GPU and without a name of one: what it would take', () => {
    const { code, stderr } = aim('plan', 'Qwen/Qwen3-8B')
    assert.equal(code, 69)
    assert.match(stderr, /would run: aim plan Qwen\/Qwen3-8B --gpu-model MI300X --gpu-count 1/)
  })

  test('as a script may fetch the weights, which are not here', () => {
    const { stdout } = aim('plan', 'Qwen/Qwen3-8B', '--gpu', 'MI300X', '--format', 'shell')
    assert.match(stdout, /^vllm serve Qwen\/Qwen3-8B \\$/m)
    assert.ok(!stdout.includes('HF_HUB_OFFLINE'), stdout)
  })

  test('is a refusal with its numbers and what would run where they are too small', () => {
    const { code, stderr } = aim('plan', 'meta-llama/Llama-3.3-70B-Instruct', '--gpu', 'R9700', '--count', '2')
    assert.equal(code, 69)
    assert.match(
      stderr,
      /34 GiB of weights on each GPU with 32 GiB.*would run: aim plan meta-llama\/Llama-3\.3-70B-Instruct --gpu-model R9700 --gpu-count 4/s,
    )
  })
})
