/** AMD's commands as its operator and its users' scripts call them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { aimCommand, bareEnvironment } from '../../stage/aim.ts'

const profileText = `aim_id: a/m
model_id: a/m-fp8
metadata: { engine: vllm, gpu: MI325X, gpu_count: 4, manual_selection_only: false, metric: latency, precision: fp8, type: optimized }
engine_args: { enable-log-requests: false, no-async-scheduling: null }
env_vars: { NCCL_MIN_NCHANNELS: '112' }
`

type Element = {
  readonly filename: string
  readonly profile: { readonly metadata: Record<string, unknown>; readonly engine_args: object; readonly env_vars: Record<string, unknown> }
  readonly models: readonly { readonly name: string; readonly source: string; readonly size_gb: number | null }[]
}

/** What AMD's operator does with a pod's log: the whole is the list, else from the last bracket back to the first that parses. */
const discover = (log: string): readonly Element[] => {
  const end = log.lastIndexOf(']') + 1
  for (let start = log.lastIndexOf('[', end); start >= 0; start = log.lastIndexOf('[', start - 1)) {
    try {
      return JSON.parse(log.slice(start, end)) as readonly Element[]
    } catch {
      if (start === 0) break
    }
  }
  throw new Error(`no list in ${log}`)
}

describe("AMD's commands", () => {
  let recipes: string
  before(() => {
    recipes = mkdtempSync(join(tmpdir(), 'aim-amd-cli-'))
    mkdirSync(join(recipes, 'custom/a/m'), { recursive: true })
    writeFileSync(join(recipes, 'custom/a/m/vllm-mi325x-fp8-tp4-latency.yaml'), profileText)
  })
  after(() => rmSync(recipes, { recursive: true }))

  const run = (words: readonly string[], environment: Record<string, string>, identity: { uid?: number; gid?: number } = {}) => {
    const [file, ...rest] = aimCommand
    const { status, stdout, stderr } = spawnSync(file, [...rest, ...words], {
      encoding: 'utf8',
      // Nothing answers there, at once.
      env: { ...bareEnvironment(), AIM_RECIPES_PATH: recipes, HF_ENDPOINT: 'http://127.0.0.1:9', HF_HUB_OFFLINE: '1', ...environment },
      ...identity,
    })
    return { code: status, stdout, stderr }
  }
  const discovery = { AIM_ID: 'a/m', AIM_LOG_LEVEL: 'CRITICAL', AIM_LOG_LEVEL_ROOT: 'CRITICAL' }

  test('dry-run --format=json is a list of one element, with every field that the operator reads', () => {
    const { code, stdout, stderr } = run(['dry-run', '--format=json'], { ...discovery, AIM_GPU_MODEL: 'mi325x', AIM_GPU_COUNT: '4' })
    assert.deepEqual([code, stderr], [0, ''])
    const list = discover(stdout)
    assert.deepEqual(list, JSON.parse(stdout))
    assert.deepEqual(list, [
      {
        filename: 'vllm-mi325x-fp8-tp4-latency.yaml',
        profile: {
          aim_id: 'a/m',
          model_id: 'a/m-fp8',
          metadata: {
            ...{ engine: 'vllm', gpu: 'MI325X', gpu_count: 4, manual_selection_only: false },
            ...{ metric: 'latency', precision: 'fp8', type: 'optimized' },
          },
          engine_args: { 'enable-log-requests': false, 'no-async-scheduling': null },
          env_vars: { NCCL_MIN_NCHANNELS: '112' },
        },
        models: [{ name: 'a/m-fp8', source: 'hf://a/m-fp8', size_gb: null }],
      },
    ])
  })

  test('without a log level the warnings come too, and before the list, whose last bracket stays the last', () => {
    const environment = { ...discovery, AIM_LOG_LEVEL: '', AIM_GPU_MODEL: 'mi325x', AIM_GPU_COUNT: '4', AIM_NEW_IN_0_12: '[]' }
    const { stdout, stderr } = run(['dry-run', '--format=json'], environment)
    assert.match(stderr, /AIM_NEW_IN_0_12.*\n.*nothing is known about the weights/s)
    assert.equal(discover(stderr + stdout).length, 1)
  })

  test('the discovery job needs no GPU: a pinned profile says what it is for', () => {
    const { stdout } = run(['dry-run', '--format=json'], { ...discovery, AIM_PROFILE_ID: 'custom/a/m/vllm-mi325x-fp8-tp4-latency' })
    assert.equal(discover(stdout)[0]?.profile.metadata.gpu_count, 4)
  })

  test('a recipe of ours has the same shape, every variable a text', () => {
    const environment = { ...discovery, AIM_ID: 'openai/gpt-oss-120b', AIM_GPU_MODEL: 'MI300X' }
    const [element] = discover(run(['dry-run', '--format=json'], environment).stdout)
    assert.equal(element?.filename, 'vllm-mi300x-fp4-tp1-latency.yaml')
    assert.deepEqual(Object.keys(element?.profile.metadata ?? {}).sort(), [
      ...['engine', 'gpu', 'gpu_count', 'manual_selection_only', 'metric', 'precision', 'type'],
    ])
    assert.ok(Object.values(element?.profile.env_vars ?? {}).every((value) => typeof value === 'string'))
  })

  const failing: readonly (readonly [claim: string, environment: Record<string, string>])[] = [
    ['no GPU', {}],
    ['an id that nobody has', { AIM_GPU_MODEL: 'MI300X', AIM_PROFILE_ID: 'nobody' }],
  ]
  for (const [claim, environment] of failing) {
    test(`${claim}: an empty list and our exit code; 0 under AIM_STRICT=false, as AMD's runtime ends`, () => {
      const strict = run(['dry-run', '--format', 'json'], { ...discovery, ...environment })
      const lenient = run(['dry-run', '--format', 'json'], { ...discovery, ...environment, AIM_STRICT: 'false' })
      assert.deepEqual([strict.stdout, lenient.stdout, lenient.code], ['[]\n', '[]\n', 0])
      assert.ok(strict.code === 69 || strict.code === 78)
      assert.match(strict.stderr, /fix: /)
    })
  }

  test('a general profile that no file holds is one for the discovery job too, by the id that a plan shows', () => {
    const { stdout } = run(['dry-run', '--format=json'], { ...discovery, AIM_PROFILE_ID: 'general/vllm-mi210-bf16-tp2-latency' })
    assert.deepEqual(
      [discover(stdout)[0]?.profile.metadata.gpu, discover(stdout)[0]?.profile.metadata.gpu_count, discover(stdout)[0]?.filename],
      ['MI210', 2, 'vllm-mi210-bf16-tp2-latency.yaml'],
    )
  })

  test('an id that nobody has is named on a machine without a GPU, with the nearest', () => {
    const { stdout, stderr, code } = run(['dry-run', '--format=json'], { ...discovery, AIM_PROFILE_ID: 'custom/a/m/vllm-mi325x-fp8-tp4' })
    assert.deepEqual([code, stdout], [78, '[]\n'])
    assert.match(stderr, /a\/m has none of that id\n.*nearest: custom\/a\/m\/vllm-mi325x-fp8-tp4-latency/)
  })

  test('variables that are wrong give an empty list and 78, under AIM_STRICT=false too, where AMD ends with 1', () => {
    for (const AIM_STRICT of ['true', 'false']) {
      const { code, stdout, stderr } = run(['dry-run', '--format=json'], { ...discovery, AIM_STRICT, AIM_PORT: 'abc' })
      assert.deepEqual([code, stdout], [78, '[]\n'])
      assert.match(stderr, /AIM_PORT="abc"/)
    }
  })

  test('uid 65532 without a home and nothing writable gets its list', (t) => {
    if (process.getuid?.() !== 0) return t.diagnostic('only root can become another user')
    // The checkout's own Node may lie in a place that is closed to others.
    const [node] = aimCommand
    const nobody = { uid: 65532, gid: 65532 }
    if (spawnSync(node, ['-e', ''], nobody).status !== 0) return t.diagnostic(`${node} cannot be run by another user`)
    const environment = {
      ...discovery,
      AIM_ID: 'openai/gpt-oss-20b',
      AIM_GPU_MODEL: 'MI325X',
      HOME: '/nonexistent',
      TMPDIR: '/nonexistent',
    }
    const { stdout, code } = run(['dry-run', '--format', 'json'], { ...environment, AIM_RECIPES_PATH: '' }, nobody)
    assert.deepEqual([code, discover(stdout).length], [0, 1])
  })

  test('dry-run in YAML shows the profile and a script under their banners', () => {
    const { stdout } = run(['dry-run'], { ...discovery, AIM_GPU_MODEL: 'MI325X', AIM_GPU_COUNT: '4' })
    const rule = '='.repeat(80)
    assert.match(stdout, new RegExp(`^${rule}\nSELECTED PROFILE\n${rule}\nPath: .*vllm-mi325x-fp8-tp4-latency.yaml\n\n`))
    assert.match(stdout, new RegExp(`\n${rule}\nGENERATED SCRIPT\n${rule}\n\n#!/bin/bash\nset -e\n`))
    assert.match(stdout, /\nexport NCCL_MIN_NCHANNELS=112\n/)
    assert.match(stdout, /\nexec vllm serve a\/m-fp8 .*--served-model-name a\/m-fp8 a\/m .*--no-enable-log-requests/)
    assert.equal(spawnSync('bash', ['-n'], { input: stdout.slice(stdout.indexOf('#!/bin/bash')) }).status, 0)
  })

  test('list-profiles is a table of ten columns, without colours in a pipe', () => {
    const { stdout } = run(['list-profiles'], { AIM_ID: 'a/m', AIM_GPU_MODEL: 'MI300X' })
    assert.match(stdout, /^AIM Profile Compatibility Report\n={100}\nAIM ID: a\/m\n/)
    assert.match(
      stdout,
      /\| Profile +\| GPU +\| Precision +\| Engine +\| TP +\| Metric +\| Type +\| Priority +\| Manual Only +\| Compatibility +\|/,
    )
    assert.match(stdout, /\| custom\/a\/m\/vllm-mi325x-fp8-tp4-latency +\| MI325X .*\| 1 +\| No +\| gpu_mismatch +\|/)
    assert.ok(!stdout.includes('\u001B'))
  })

  const states: readonly (readonly [state: string, environment: Record<string, string>])[] = [
    ['compatible', { AIM_GPU_MODEL: 'MI325X', AIM_GPU_COUNT: '4' }],
    ['gpu_mismatch', { AIM_GPU_MODEL: 'MI325X', AIM_GPU_COUNT: '2' }],
    ['precision_mismatch', { AIM_GPU_MODEL: 'MI325X', AIM_GPU_COUNT: '4', AIM_PRECISION: 'fp16' }],
    ['model_mismatch', { AIM_GPU_MODEL: 'MI325X', AIM_GPU_COUNT: '4', AIM_ID: 'b/m' }],
    ['metric_mismatch', { AIM_GPU_MODEL: 'MI325X', AIM_GPU_COUNT: '4', AIM_METRIC: 'throughput', AIM_ID: 'b/m' }],
  ]
  for (const [state, environment] of states) {
    test(`a profile in the state ${state} is listed under it, and under no other`, () => {
      for (const asked of ['compatible', state]) {
        const { stdout } = run(['list-profiles', '--state', asked, '--format', 'json'], { AIM_ID: 'a/m', ...environment })
        const ids = (JSON.parse(stdout) as readonly { readonly id: string }[]).map(({ id }) => id)
        assert.equal(ids.includes('custom/a/m/vllm-mi325x-fp8-tp4-latency'), asked === state, asked)
      }
    })
  }

  test('list-profiles --skip-compatibility-check looks at no GPU', () => {
    const { stdout } = run(['list-profiles', '--skip-compatibility-check', '--format', 'text', '-v'], { AIM_MODEL_ID: 'a/m' })
    assert.match(stdout, /\(No Compatibility Checks\)\n={50}\nAIM ID: None\nModel ID: a\/m\nTotal profiles discovered: /)
    assert.match(stdout, /\nMI325X \(1 profiles\):\n-{40}\n {2}• custom\/a\/m\/vllm-mi325x-fp8-tp4-latency\n/)
  })

  test('a broken profile stops a strict start; under AIM_STRICT=false it is named and left out', () => {
    const path = join(recipes, 'custom/a/m/broken.yaml')
    writeFileSync(path, profileText.replace('fp8,', 'fp6,'))
    const strict = run(['list-profiles'], { AIM_ID: 'a/m', AIM_GPU_MODEL: 'MI325X' })
    const lenient = run(['list-profiles'], { AIM_ID: 'a/m', AIM_GPU_MODEL: 'MI325X', AIM_STRICT: 'false' })
    rmSync(path)
    assert.equal(strict.code, 78)
    assert.match(strict.stderr, /broken\.yaml:3:\d+: metadata\.precision /)
    assert.equal(lenient.code, 0)
    assert.match(lenient.stderr, /broken\.yaml/)
    assert.match(lenient.stdout, /vllm-mi325x-fp8-tp4-latency/)
  })
})
