import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import type { Launch } from '../../src/plan/launch.ts'
import type { Setting } from '../../src/plan/settings.ts'
import { mi300x } from '../fixtures/hardware/machines.ts'
import { writeTree } from '../fixtures/hardware/tree.ts'
import { startHub } from '../hub/server.ts'
import { aimCommand, bareEnvironment } from '../stage/aim.ts'

type Run = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

const aim = (words: readonly string[], environment: Record<string, string> = {}): Run => {
  const [file, ...rest] = aimCommand
  const { status, stdout, stderr } = spawnSync(file, [...rest, ...words], {
    encoding: 'utf8',
    env: { ...bareEnvironment(), ...environment },
  })
  return { code: status, stdout, stderr }
}

/** config.json of an 8B Llama (meta-llama/Llama-3.1-8B-Instruct), and a weight file's name with no bytes in it. */
const llama = {
  architectures: ['LlamaForCausalLM'],
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 128256,
  max_position_embeddings: 131072,
  torch_dtype: 'bfloat16',
}

describe('aim', () => {
  let model: string
  let tree: string
  before(() => {
    model = mkdtempSync(join(tmpdir(), 'aim-cli-'))
    tree = mkdtempSync(join(tmpdir(), 'aim-tree-'))
    writeFileSync(join(model, 'config.json'), JSON.stringify(llama))
    writeTree(mi300x(8), tree)
  })
  after(() => {
    rmSync(model, { recursive: true })
    rmSync(tree, { recursive: true })
  })

  for (const command of ['serve', 'plan', 'fit', 'gpus', 'doctor', 'recipes', 'status', 'why', 'healthcheck', 'version', 'help']) {
    test(`${command} --help says how to use it and takes --format json`, () => {
      const { code, stdout, stderr } = aim([command, '--help'])
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, new RegExp(`^Usage: aim ${command}`))
      assert.match(stdout, /--format <format>/)
    })
  }

  test('help tells every command as a value, each takes --format, and a topic that is none is refused with the nearest', () => {
    type Told = { readonly name: string; readonly options: readonly { readonly flags: string }[]; readonly commands: readonly Told[] }
    const flat = (told: Told): readonly Told[] => [told, ...told.commands.flatMap(flat)]
    const { stdout } = aim(['help', '--format', 'json'])
    const [, ...commands] = flat(JSON.parse(stdout))
    assert.ok(commands.length > 20)
    assert.deepEqual(
      commands.filter(({ options }) => !options.some(({ flags }) => flags === '--format <format>')).map(({ name }) => name),
      [],
    )
    assert.equal(JSON.parse(aim(['help', 'plan', '--format', 'json']).stdout).name, 'plan')
    const wrong = aim(['help', 'plam'])
    assert.deepEqual([wrong.code, wrong.stdout], [2, ''])
    assert.match(wrong.stderr, /did you mean aim help plan\?/)
  })

  test('doctor reads a captured tree, says the numbers in JSON and exits by the worst finding', () => {
    const good = aim(['doctor', '--root', tree, '--format', 'json'])
    const { exitCode, gpus } = JSON.parse(good.stdout)
    assert.deepEqual([good.code, exitCode, gpus], [0, 0, 8])
    const bad = aim(['doctor', '--root', tree], { HIP_VISIBLE_DEVICES: '0', CUDA_VISIBLE_DEVICES: '1', AIM_PORT: 'x' })
    assert.equal(bad.code, 78)
    assert.match(bad.stdout, /^error: .* differ.*^error: AIM_PORT="x"/ms)
  })

  test('doctor --strict does not let warnings pass', () => {
    const environment = { ROCR_VISIBLE_DEVICES: '0,1' }
    assert.equal(aim(['doctor', '--root', tree], environment).code, 0)
    assert.equal(aim(['doctor', '--root', tree, '--strict'], environment).code, 1)
  })

  test('doctor says what keeps a model from being had: the hub, by name, and a token that is missing, never the token', async (t) => {
    const repos = { 'org/gated': { files: { 'config.json': JSON.stringify(llama) }, gated: true } }
    const hub = await startHub({ repos, tokens: ['hf_secret'] })
    t.after(() => hub.close())
    const [file, ...rest] = aimCommand
    const cache = mkdtempSync(join(tmpdir(), 'aim-doctor-'))
    t.after(() => rmSync(cache, { recursive: true }))
    const environment = { HF_ENDPOINT: hub.url, AIM_CACHE_PATH: cache, AIM_GPU_COUNT: '0', AIM_ENGINE_COMMAND: process.execPath }
    const doctor = (more: Record<string, string> = {}, model = 'org/gated') =>
      promisify(execFile)(file, [...rest, 'doctor', model, '--format', 'json'], { env: { ...bareEnvironment(), ...environment, ...more } })
        .then(({ stdout }) => ({ code: 0, stdout }))
        .catch((error: { readonly code: number; readonly stdout: string }) => error)
    const anonymous = await doctor()
    assert.equal(anonymous.code, 77)
    assert.match(JSON.parse(anonymous.stdout).findings[0].what, /org\/gated.*gated.*HF_TOKEN is not set/)
    const known = await doctor({ HF_TOKEN: 'hf_secret' })
    assert.equal(known.code, 77)
    assert.doesNotMatch(known.stdout, /hf_secret/)
    assert.match(JSON.parse(known.stdout).findings[0].fix.docker, /account that HF_TOKEN belongs to/)
    const offline = await doctor({ HF_HUB_OFFLINE: '1' })
    assert.equal(offline.code, 78)
    assert.match(offline.stdout, /HF_HUB_OFFLINE forbids/)
    const password = await doctor({ HF_ENDPOINT: hub.url.replace('//', '//user:pa@sswd@') })
    assert.match(password.stdout, /must not hold a user or password/)
    assert.doesNotMatch(password.stdout, /sswd/)
    const count = hub.requests.length
    await doctor({ HF_HUB_OFFLINE: '1' }, 'org/other')
    assert.equal(hub.requests.length, count)
  })

  test('doctor knows what a model still needs of the hub, and the version of the engine without running it', async (t) => {
    const weights = Buffer.alloc(4096)
    const hub = await startHub({ repos: { 'org/m': { files: { 'config.json': JSON.stringify(llama), 'model.safetensors': weights } } } })
    t.after(() => hub.close())
    const place = mkdtempSync(join(tmpdir(), 'aim-doctor-'))
    t.after(() => rmSync(place, { recursive: true }))
    mkdirSync(join(place, 'bin'))
    mkdirSync(join(place, 'lib/python3.12/site-packages/vllm-0.30.1+rocm711.dist-info'), { recursive: true })
    const engine = join(place, 'bin/vllm')
    writeFileSync(engine, '#!/bin/sh\nexit 9\n', { mode: 0o755 })
    const [file, ...rest] = aimCommand
    const environment = { HF_ENDPOINT: hub.url, AIM_CACHE_PATH: join(place, 'cache'), AIM_GPU_COUNT: '0', AIM_ENGINE_COMMAND: engine }
    const { stdout } = await promisify(execFile)(file, [...rest, 'doctor', 'org/m', '--format', 'json'], {
      env: { ...bareEnvironment(), ...environment },
    })
    const answer = JSON.parse(stdout)
    assert.equal(answer.model.downloadBytes, weights.length + JSON.stringify(llama).length)
    assert.equal(answer.model.downloadFiles, 2)
    assert.equal(answer.hub.trouble, undefined)
    assert.deepEqual([answer.engine.file, answer.engine.version], [engine, '0.30.1+rocm711'])
    assert.ok(answer.findings.some(({ what }: { readonly what: string }) => /engine is 0\.30\.1\+rocm711/.test(what)))
  })

  test('doctor probes the cache it would use and leaves nothing there', () => {
    const cache = mkdtempSync(join(tmpdir(), 'aim-doctor-'))
    const { code, stdout } = aim(['doctor', '--format', 'json'], {
      AIM_CACHE_PATH: cache,
      AIM_GPU_COUNT: '0',
      AIM_ENGINE_COMMAND: '/nothing',
    })
    const { findings, cache: seen } = JSON.parse(stdout)
    assert.deepEqual([code, seen.path, readdirSync(cache)], [69, `${cache}/hub`, []])
    assert.match(findings[0].what, /\/nothing is no program/)
    rmSync(cache, { recursive: true })
  })

  test('every answer as JSON is one document on stdout and nothing else', () => {
    for (const words of [['version'], ['gpus'], ['recipes'], ['help'], ['help', 'env'], ['plan', model, '--engine', 'simulator']]) {
      const { code, stdout } = aim([...words, '--format', 'json'])
      assert.equal(code, 0, words.join(' '))
      assert.doesNotThrow(() => JSON.parse(stdout), words.join(' '))
    }
  })

  test('the same as YAML says the same', () => {
    const words = ['plan', model, '--engine', 'simulator', '--format']
    assert.deepEqual(parse(aim([...words, 'yaml']).stdout), JSON.parse(aim([...words, 'json']).stdout))
  })

  test('plan carries the fields that scripts rely on, for eight MI300X', () => {
    const { code, stdout, stderr } = aim(['plan', model, '--root', tree, '--gpu-count', '2', '--format', 'json', '--', '--seed', '7'])
    assert.equal(code, 0, stderr)
    const launch = JSON.parse(stdout) as Launch
    for (const field of ['engine', 'model', 'profile', 'gpus', 'resources', 'reasons', 'rejected']) assert.ok(field in launch, field)
    assert.equal(launch.gpus.length, 2)
    assert.equal(launch.gpus[0]?.product, 'MI300X')
    assert.match(launch.engine.argv.join(' '), /^vllm serve .*--tensor-parallel-size 2.* --seed 7$/)
    assert.equal(launch.engine.env.HIP_VISIBLE_DEVICES, '0,1')
    assert.ok(launch.profile.id.length > 0 && launch.reasons.length > 0)
  })

  test('gpus shows eight MI300X of a captured tree', () => {
    const { stdout } = aim(['gpus', '--root', tree])
    assert.equal(stdout.split('\n').filter((line) => /MI300X +gfx942/.test(line)).length, 8)
  })

  test('a machine without a GPU is refused with 69, the reason and the ways out', () => {
    const empty = mkdtempSync(join(tmpdir(), 'aim-none-'))
    const { code, stdout, stderr } = aim(['plan', model, '--root', empty])
    assert.deepEqual([code, stdout], [69, ''])
    assert.match(stderr, /AIM_GPU_COUNT=0/)
    rmSync(empty, { recursive: true })
  })

  for (const [word, body] of [
    ['status', '<html>hello</html>'],
    ['status', '{"state":"ready"}'],
    ['status', '{"state":1,"since":"2026-01-01T00:00:00.000Z"}'],
    ['healthcheck', '{}'],
    ['healthcheck', '"ready"'],
  ] as const)
    test(`${word} says 75 when what answers is no supervisor: ${body}`, async () => {
      const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const [file, ...rest] = aimCommand
      const port = String((server.address() as AddressInfo).port)
      const asking = promisify(execFile)(file, [...rest, word], { env: { ...bareEnvironment(), AIM_OPS_PORT: port } })
      const { code, stderr } = await asking
        .then(() => assert.fail('it ended well'))
        .catch((error: { readonly code: number; readonly stderr: string }) => error)
      server.close()
      assert.equal(code, 75)
      assert.match(stderr, /no supervisor of ours/)
    })

  test('plan as a script is the command that runs, and as env the variables of the engine', () => {
    const words = ['plan', model, '--root', tree, '--gpu-count', '1']
    const { engine } = JSON.parse(aim([...words, '--format', 'json']).stdout) as Launch
    const script = aim([...words, '--format', 'shell']).stdout
    const shown = spawnSync('sh', ['-c', `vllm() { printf '%s\\n' vllm "$@"; env; }\n${script}`], { encoding: 'utf8' }).stdout.split('\n')
    assert.deepEqual(shown.slice(0, engine.argv.length), engine.argv)
    const lines = Object.entries(engine.env).map(([name, value]) => `${name}=${value}`)
    for (const line of lines) assert.ok(shown.includes(line), line)
    assert.deepEqual(
      aim([...words, '--format', 'env'])
        .stdout.trimEnd()
        .split('\n'),
      lines,
    )
  })

  test('explain gives every flag of the command line its source, the nearest first', () => {
    const environment = { AIM_ENGINE_ARGS: '{"seed": 3, "max-num-seqs": null}', AIM_ENGINE_EXTRA_ARGS: '--seed 4' }
    const words = ['explain', model, '--root', tree, '--gpu-count', '1', '--format', 'json', '--', '--see', '5']
    const settings = JSON.parse(aim(words, environment).stdout) as readonly Setting[]
    const { value, source, instead } = settings.find(({ name }) => name === '--seed') ?? assert.fail()
    assert.deepEqual([value, source, instead.at(-1)], ['5', 'words after --', { value: '3', source: 'AIM_ENGINE_ARGS' }])
    assert.equal(settings.find(({ name }) => name === '--host')?.source, 'AIM_HOST')
  })

  const wrong: readonly [claim: string, words: readonly string[], environment: Record<string, string>, code: number, said: RegExp][] = [
    ['an unknown command', ['sevre'], {}, 2, /unknown command|error/],
    ['an unknown flag', ['plan', '--no-such'], {}, 2, /unknown option/],
    ['a bad format', ['gpus', '--format', 'xml'], {}, 2, /table, json, yaml/],
    ['a bad value of a flag', ['plan', 'a/b', '--gpu-count', 'two'], {}, 78, /AIM_GPU_COUNT/],
    ['no model', ['plan'], {}, 78, /no model is named/],
    ['nobody to ask', ['status'], { AIM_OPS_PORT: '1' }, 75, /nobody answers/],
    ['no port to ask at', ['status'], { AIM_OPS_PORT: '0', TMPDIR: '/nonexistent' }, 75, /the port that AIM_OPS_PORT=0 became/],
    [
      'flags that the engine has not',
      ['plan', '/tmp', '--', '--gpu-memm', '1', '--seed', 'x'],
      {},
      78,
      /--gpu-memory-utilization\?\n.*--seed must be/,
    ],
    ['a flag for a model', ['plan', '--', '--max-model-len', '8192'], {}, 78, /no model is named/],
    ['an API key in the arguments', ['plan', '/tmp', '--', '--api-key', 's3cret'], { AIM_ENGINE: 'simulator' }, 78, /VLLM_API_KEY/],
  ]
  for (const [claim, words, environment, code, said] of wrong) {
    test(`${claim}: exit ${code}, stdout empty, no secret`, () => {
      const run = aim(words, environment)
      assert.deepEqual([run.code, run.stdout], [code, ''])
      assert.match(run.stderr, said)
      assert.doesNotMatch(run.stderr, /s3cret|^\s+at /m)
    })
  }

  test('npx aim in a checkout is src/aim.sh, which brings its own Node', () => {
    const script = join(import.meta.dirname, '../../src/aim.sh')
    const { stdout, status } = spawnSync(script, ['version', '--format', 'json'], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', HOME: '/' },
    })
    assert.equal(status, 0)
    assert.match((JSON.parse(stdout) as { node: string }).node, /^v26\./)
  })

  test('why names the cause in a log that was kept, as text and as one document', () => {
    const log = join(import.meta.dirname, '../fixtures/engine/kv-cache-too-small.log')
    assert.match(aim(['why', log]).stdout, /^kv-cache-too-small: .*4000000.*1048448 tokens would fit\nfix: set AIM_MAX_MODEL_LEN=1048448/)
    const { cause, exitCode, evidence } = JSON.parse(aim(['why', log, '--format', 'json']).stdout)
    assert.deepEqual([cause, exitCode, evidence.length <= 10], ['kv-cache-too-small', 78, true])
    assert.equal(aim(['why', '/no/such/log']).code, 2)
  })
})
