import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { renderArguments, valuesOf } from '../../src/engine/arguments.ts'
import { endpointsOf } from '../../src/engine/endpoints.ts'
import { engineEnvironment } from '../../src/engine/environment.ts'
import { addFigures } from '../../src/engine/figures.ts'
import { inFlight } from '../../src/engine/in-flight.ts'
import { readPhase, showsProgress, showsWork } from '../../src/engine/phases.ts'
import { vllm } from '../../src/engine/vllm.ts'
import { warmUp } from '../../src/engine/warm-up.ts'
import type { Json } from '../../src/std/json.ts'

describe('renderArguments()', () => {
  const rows: readonly [claim: string, given: Record<string, Json>, words: readonly string[]][] = [
    ['true is the bare flag', { 'enable-x': true }, ['--enable-x']],
    ['false is the negation, not nothing', { 'enable-x': false }, ['--no-enable-x']],
    ['null drops it', { x: null }, []],
    ['a list is several words after one flag', { 'served-model-name': ['a', 'b'] }, ['--served-model-name', 'a', 'b']],
    ['an object is one JSON word', { 'compilation-config': { mode: 3 } }, ['--compilation-config', '{"mode":3}']],
    ['underscores are dashes', { max_model_len: 5 }, ['--max-model-len', '5']],
  ]
  for (const [claim, given, words] of rows) test(claim, () => assert.deepEqual(renderArguments(given), words))
})

describe('valuesOf()', () => {
  const rows: readonly [claim: string, argv: readonly string[], name: string, values: readonly string[] | undefined][] = [
    ['finds the word after a flag', ['--port', '1'], 'port', ['1']],
    ['finds what follows =', ['--port=1=2'], 'port', ['1=2']],
    ['takes underscores', ['--served_model_name', 'a', 'b', '--x'], 'served-model-name', ['a', 'b']],
    ['takes the last of several, as argparse does', ['--port', '1', '--port', '2'], 'port', ['2']],
    ['finds a flag without a value', ['--x', '--y'], 'x', []],
    ['finds nothing', ['serve', 'm'], 'port', undefined],
  ]
  for (const [claim, argv, name, values] of rows) test(claim, () => assert.deepEqual(valuesOf(argv, name), values))
})

test('argv puts the model before any flag that could swallow it, and our flags before the profile and the user', () => {
  const argv = vllm.argv({
    command: ['vllm'],
    modelPath: '/m',
    servedNames: ['a', 'b'],
    host: '0.0.0.0',
    port: 8000,
    arguments: { 'tensor-parallel-size': 2 },
    extraArguments: ['--seed', '1'],
  })
  assert.equal(
    argv.join(' '),
    'vllm serve /m --served-model-name a b --host 0.0.0.0 --port 8000 --enable-server-load-tracking --tensor-parallel-size 2 --seed 1',
  )
})

describe('endpointsOf()', () => {
  const rows: readonly [
    claim: string,
    argv: readonly string[],
    environment: Record<string, string>,
    base: string,
    key: string | undefined,
  ][] = [
    ['knows the defaults', [], {}, 'http://127.0.0.1:8000', undefined],
    ['reaches a wildcard address by loopback', ['--host', '0.0.0.0', '--port', '1'], {}, 'http://127.0.0.1:1', undefined],
    ['reaches a wildcard IPv6 address by loopback', ['--host', '::'], {}, 'http://[::1]:8000', undefined],
    ['brackets an IPv6 address', ['--host', 'fd00::1'], {}, 'http://[fd00::1]:8000', undefined],
    ['speaks TLS when the arguments say so', ['--ssl-certfile', 'c', '--ssl-keyfile', 'k'], {}, 'https://127.0.0.1:8000', undefined],
    ['takes the key of the arguments', ['--api-key', 'a', 'b'], { VLLM_API_KEY: 'c' }, 'http://127.0.0.1:8000', 'a'],
    ['takes the key of the environment', [], { VLLM_API_KEY: 'c' }, 'http://127.0.0.1:8000', 'c'],
  ]
  for (const [claim, argv, environment, base, key] of rows) {
    test(claim, () => {
      const endpoints = endpointsOf(argv, environment)
      assert.deepEqual([endpoints.base, endpoints.apiKey], [base, key])
    })
  }
})

describe('warmUp()', () => {
  const rows: readonly [task: string, body: unknown, real: boolean][] = [
    ['generate', { choices: [{ text: '' }], usage: { completion_tokens: 1 } }, true],
    ['generate', { choices: [{ text: 'full of words' }], usage: { completion_tokens: 0 } }, false],
    ['generate', { choices: [] }, false],
    ['generate', undefined, false],
    ['embed', { data: [{ embedding: [0.1, -2] }] }, true],
    ['embed', { data: [{ embedding: [] }] }, false],
    ['embed', { data: [{ embedding: [null] }] }, false],
    ['classify', { data: [{ probs: [1] }] }, true],
    ['score', { data: [{ score: 0 }] }, true],
    ['score', { data: [{}] }, false],
  ]
  for (const [task, body, real] of rows) {
    test(`${real ? 'takes' : 'refuses'} ${JSON.stringify(body)} as a real answer to ${task}`, () =>
      assert.equal(warmUp(task, 'm').check(body) === undefined, real))
  }
})

describe('inFlight()', () => {
  const metrics = 'vllm:num_requests_running{engine="0",model_name="m"} 2.0\nvllm:num_requests_waiting{engine="0",model_name="m"} 1.0\n'
  const rows: readonly [claim: string, load: string | undefined, metrics: string | undefined, count: number | undefined][] = [
    ['believes the API server about a request that a frozen core never saw', '{"server_load":1}', metrics.replaceAll(/[12]\.0/g, '0.0'), 1],
    ['believes the core when it counts more', '{"server_load":0}', metrics, 3],
    ['adds up data parallel engines', undefined, metrics + metrics.replaceAll('engine="0"', 'engine="1"'), 6],
    ['says nothing when nobody speaks', undefined, undefined, undefined],
    ['says nothing when what is said is no count', 'oops', '# HELP x\n', undefined],
  ]
  for (const [claim, load, text, count] of rows) test(claim, () => assert.equal(inFlight(load, text), count))
})

describe('readPhase()', () => {
  const rows: readonly [line: string, sign: object | undefined][] = [
    [
      '(APIServer pid=1) INFO 11-23 18:37:19 [model.py:733] Resolved architecture: LlamaForCausalLM',
      { phase: 'config', detail: 'LlamaForCausalLM' },
    ],
    ['Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:00<00:00, 51.86it/s]', { phase: 'weights', done: 1, total: 2 }],
    [
      '(Worker pid=3) INFO 11-23 18:37:56 [default_loader.py:501] Loading weights took 0.02 seconds',
      { phase: 'weights', detail: '0.02 seconds' },
    ],
    ['Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  26%|##6   | 9/35 [00:01<00:03]', { phase: 'capture', done: 9, total: 35 }],
    [
      '(EngineCore pid=2) INFO 11-23 18:37:57 [u.py:1] CPU KV cache size: 1,048,576 tokens, Maximum',
      { phase: 'kv-cache', detail: '1,048,576 tokens' },
    ],
    ['[aiter] start build [module_norm] under /x', { phase: 'kernel-jit', detail: 'module_norm' }],
    ['nothing of interest', undefined],
  ]
  for (const [line, sign] of rows) test(`reads ${line.slice(0, 60)}`, () => assert.deepEqual(readPhase(line), sign))
})

describe('showsWork()', () => {
  const api = '(APIServer pid=7) INFO 11-23 19:06:39 [logger.py:43] '
  const rows: readonly [claim: string, line: string, work: boolean][] = [
    ['a kernel that a worker builds', '(Worker pid=3) [aiter] start build [module_norm] under /x', true],
    ['one whose writer is not told', '[aiter] start build [module_norm] under /x', true],
    [
      'a graph that is compiled',
      '(EngineCore pid=5) INFO 11-23 18:37:56 [backends.py:1] Compiling a graph for dynamic shape takes 3 s',
      true,
    ],
    ['no other phase', '(Worker pid=3) INFO 11-23 18:37:56 [default_loader.py:501] Loading weights took 0.02 seconds', false],
    ['not the words of a user', `${api}Received request cmpl-1: prompt: 'why does it say start build [x]?'`, false],
    ['not those of a user who waits for one', `${api}Received request cmpl-2: prompt: 'waiting for baton release at /x'`, false],
    ['nothing of another API server either', "(ApiServer_1 pid=8) INFO 11-23 19:06:39 [x.py:1] prompt: 'finish build [x]'", false],
  ]
  for (const [claim, line, work] of rows) test(claim, () => assert.equal(showsWork(line), work))
})

describe('mayTell()', () => {
  const captures = globSync(join(import.meta.dirname, '../fixtures/engine/*.log'))
  const silent = '(Worker pid=3) INFO 11-23 18:37:56 [x.py:1] still at it'
  const mayTell = (text: string): boolean => vllm.mayTell(Buffer.from(text))
  test('says no to lines that do no more than come', () => assert.equal(mayTell(`${silent}\n${silent}\n`), false))
  test('says yes wherever a line of a real engine tells any of the readers something', () => {
    const lines = captures.flatMap((path) => readFileSync(path, 'utf8').split(/[\r\n]+/))
    const telling = lines.filter(
      (line) => readPhase(line) !== undefined || !showsProgress(line) || showsWork(line) || Object.keys(addFigures({}, line)).length > 0,
    )
    assert.ok(telling.length > 100, `${telling.length} lines`)
    assert.deepEqual(
      telling.filter((line) => !mayTell(`${silent}\n${line}\n${silent}\n`)),
      [],
    )
  })
})

describe('showsProgress()', () => {
  const waits = 'No available shared memory broadcast block found in 60 seconds.'
  const rows: readonly [claim: string, line: string, progress: boolean][] = [
    ['whatever a worker says', '(Worker pid=3) INFO 11-23 18:37:56 [x.py:1] still at it', true],
    ['not the access line of our probe', 'INFO:     127.0.0.1:5 - "GET /health HTTP/1.1" 500 Internal Server Error', false],
    ['not that of its metrics', '(APIServer pid=7) INFO:     127.0.0.1:5 - "GET /metrics HTTP/1.1" 200 OK', false],
    ['not that of our first question', 'INFO:     127.0.0.1:5 - "POST /v1/completions HTTP/1.1" 503 Service Unavailable', false],
    ['not that the core waits for its workers', `(EngineCore pid=7) INFO 11-23 19:06:39 [shm_broadcast.py:871] ${waits}`, false],
    ['nor a worker for the core', `(Worker pid=9) WARNING 11-23 19:06:39 [shm_broadcast.py:871] ${waits}`, false],
  ]
  for (const [claim, line, progress] of rows) test(claim, () => assert.equal(showsProgress(line), progress))
})

describe('engineEnvironment()', () => {
  const account = { name: 'root', homeWritable: true, fallbackHome: '/tmp/h' }
  const kept = (parent: Record<string, string>): readonly string[] => Object.keys(engineEnvironment(parent, account, {})).sort()
  test('keeps secrets, Node and our own variables from the engine', () => {
    const parent = {
      PATH: '/bin',
      HF_TOKEN: 'x',
      HF_TOKEN_FILE: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      NODE_OPTIONS: 'x',
      AIM_PORT: '1',
      npm_config_x: '1',
    }
    assert.deepEqual(kept(parent), ['PATH'])
  })
  test("drops the service links of a Service named vllm and keeps what a person set: VLLM_PORT is vLLM's own when it is a number", () => {
    assert.deepEqual(
      kept({ VLLM_PORT: 'tcp://10.0.0.1:80', VLLM_SERVICE_HOST: '10.0.0.1', VLLM_PORT_80_TCP_ADDR: '10.0.0.1', VLLM_X_PORT: 'tcp://a:1' }),
      [],
    )
    assert.deepEqual(kept({ VLLM_PORT: '5000', VLLM_USE_V1: '1', VLLM_DP_MASTER_PORT: '13345' }), [
      'VLLM_DP_MASTER_PORT',
      'VLLM_PORT',
      'VLLM_USE_V1',
    ])
  })
  const ports: readonly [name: string, value: string, own: boolean][] = [
    ['VLLM_DP_MASTER_PORT', '29500', true],
    ['VLLM_NIXL_SIDE_CHANNEL_PORT', '5600', true],
    ['VLLM_DP_MASTER_PORT', 'tcp://10.0.0.1:80', false],
  ]
  for (const [name, value, own] of ports)
    test(`${own ? 'keeps a setting' : 'drops the link to a Service'} of this name: ${name}=${value}`, () =>
      assert.deepEqual(kept({ [name]: value }), own ? [name] : []))
  test('gives a uid without a passwd entry a name and a home that can be written to', () => {
    const environment = engineEnvironment({ HOME: '/' }, { homeWritable: false, fallbackHome: '/tmp/h' }, {})
    assert.deepEqual(environment, { HOME: '/tmp/h', XDG_CACHE_HOME: '/tmp/h/.cache', USER: 'aim', LOGNAME: 'aim' })
  })
  test('lets the plan have the last word', () => assert.equal(engineEnvironment({ X: '1' }, account, { X: '2' }).X, '2'))
})

describe('withContext()', () => {
  const rows: readonly [given: readonly string[]][] = [
    [['--max-model-len', '131072', '--port', '1']],
    [['--port', '1', '--max_model_len=131072']],
    [['--max-model-len=1', '--port', '1', '--max-model-len', '2']],
    [['--port', '1']],
  ]
  for (const [given] of rows)
    test(`sets it once in ${given.join(' ')}`, () =>
      assert.deepEqual(vllm.withContext(['vllm', 'serve', '/m', ...given], 4096), [
        ...['vllm', 'serve', '/m', '--port', '1', '--max-model-len', '4096'],
      ]))
})
