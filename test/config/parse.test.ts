import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from '../../src/config/parse.ts'
import { showProblems } from '../../src/config/show.ts'
import { toEnv } from '../../src/config/to-env.ts'
import { variables } from '../../src/config/variables.ts'
import type { Read } from '../../src/std/result.ts'
import { generator } from '../random.ts'

const files: Readonly<Record<string, string>> = { '/run/secrets/hf': 'hf_fromfile\n', '/run/secrets/empty': '\n' }
const readFile = (path: string): Read<string> => {
  const value = files[path]
  return value === undefined ? { ok: false, code: 'ENOENT' } : { ok: true, value }
}
const read = (environment: Record<string, string>) => parse(environment, readFile)
const problemsOf = (environment: Record<string, string>): readonly string[] =>
  read(environment).problems.map(({ severity, key }) => `${severity} ${key}`)

describe('parse()', () => {
  const accepted: readonly [claim: string, name: string, value: string, key: keyof typeof variables, expected: unknown][] = [
    ['AMD writes auto for the count', 'AIM_GPU_COUNT', 'auto', 'gpuCount', 'auto'],
    ['AUTO in any case', 'AIM_GPU_COUNT', 'AUTO', 'gpuCount', 'auto'],
    ['0 GPUs is the CPU', 'AIM_GPU_COUNT', '0', 'gpuCount', 0],
    ['a precision in any case', 'AIM_PRECISION', 'FP8', 'precision', 'fp8'],
    ['NONE means detect', 'AIM_GPU_MODEL', 'NONE', 'gpuModel', 'auto'],
    ['UNKNOWN means detect', 'AIM_GPU_MODEL', 'UNKNOWN', 'gpuModel', 'auto'],
    ['a product in lower case', 'AIM_GPU_MODEL', 'mi300x', 'gpuModel', 'MI300X'],
    ['engine auto is vllm', 'AIM_ENGINE', 'auto', 'engine', 'vllm'],
    ['metric auto is latency', 'AIM_METRIC', 'auto', 'metric', 'latency'],
    ['yes is true', 'AIM_ALLOW_GENERAL_PROFILE_FALLBACK', 'yes', 'allowGeneral', true],
    ['0 is false', 'AIM_ALLOW_GENERAL_PROFILE_FALLBACK', '0', 'allowGeneral', false],
    [
      'a JSON object',
      'AIM_ENGINE_ARGS',
      '{"max-model-len": 8192, "x": [1, {"y": null}]}',
      'engineArguments',
      { 'max-model-len': 8192, x: [1, { y: null }] },
    ],
    ['shell words', 'AIM_ENGINE_EXTRA_ARGS', `--a 'b c' "d\\"e" f\\ g`, 'extraArguments', ['--a', 'b c', 'd"e', 'f g']],
    ["Python's level names", 'AIM_LOG_LEVEL', 'CRITICAL', 'logLevel', 'critical'],
    ['a bare number of seconds', 'AIM_DRAIN_TIMEOUT', '90', 'drainTimeout', 90_000],
    ['a time with a unit', 'AIM_DRAIN_TIMEOUT', '1.5m', 'drainTimeout', 90_000],
    ['an id with its scheme', 'AIM_MODEL_ID', 'hf://org/name', 'model', 'hf://org/name'],
    ["AMD's other name of the model", 'AIM_ID', 'org/name', 'model', 'org/name'],
    ['the older name of the cache', 'HUGGINGFACE_HUB_CACHE', '/c', 'hubCache', '/c'],
    ['the older name of the token', 'HUGGING_FACE_HUB_TOKEN', 'hf_x', 'hubToken', 'hf_x'],
    ['a token from a file, without its newline', 'HF_TOKEN_FILE', '/run/secrets/hf', 'hubToken', 'hf_fromfile'],
    ['an empty variable as unset', 'AIM_PORT', '', 'port', 8000],
    ['an endpoint without its last slash', 'HF_ENDPOINT', 'http://mirror/', 'hubEndpoint', 'http://mirror'],
  ]
  for (const [claim, name, value, key, expected] of accepted) {
    test(`takes ${claim}: ${name}=${value}`, () => {
      const { options, problems } = read({ [name]: value })
      assert.deepEqual(problems, [])
      assert.deepEqual(options[key], expected)
    })
  }

  const refused: readonly [name: string, value: string, lenient: boolean][] = [
    ['AIM_GPU_COUNT', 'two', true],
    ['AIM_GPU_COUNT', '-1', true],
    ['AIM_GPU_MODEL', 'H100', true],
    ['AIM_PRECISION', 'fp12', true],
    ['AIM_ENGINE', 'tensorrt', true],
    ['AIM_METRIC', 'cost', true],
    ['AIM_ALLOW_GENERAL_PROFILE_FALLBACK', 'maybe', true],
    ['AIM_ENGINE_ARGS', '{', true],
    ['AIM_ENGINE_ARGS', '[1]', true],
    ['AIM_LOG_LEVEL', 'loud', true],
    ['AIM_PORT', '99999', false],
    ['AIM_PORT', 'abc', false],
    ['AIM_OPS_PORT', '8000', false],
    ['AIM_ENGINE_EXTRA_ARGS', '--a "b', false],
    ['AIM_DRAIN_TIMEOUT', 'soon', false],
    ['AIM_CACHE_PATH', 'relative', false],
    ['HF_ENDPOINT', 'huggingface.co', false],
    ['HF_TOKEN_FILE', '/nope', false],
    ['HF_TOKEN_FILE', '/run/secrets/empty', false],
    ['AIM_MODEL_ID', 'a b', false],
    ['AIM_MODLE_ID', 'org/name', false],
    ['AIM_RESTART', 'sometimes', false],
  ]
  for (const [name, value, lenient] of refused) {
    test(`refuses ${name}=${value}`, () => assert.deepEqual(problemsOf({ [name]: value }), [`problem ${name}`]))
    test(`${lenient ? 'warns of' : 'still refuses'} ${name}=${value} under AIM_STRICT=false`, () => {
      assert.deepEqual(problemsOf({ [name]: value, AIM_STRICT: 'false' }), [`${lenient ? 'warning' : 'problem'} ${name}`])
    })
  }

  test('tells every problem at once', () => {
    const keys = problemsOf({ AIM_GPU_COUNT: 'two', AIM_PORT: 'x', AIM_MODLE_ID: 'a', AIM_METRIC: 'cost', AIM_WHATEVER: '1' })
    assert.deepEqual([...keys].sort(), [
      'problem AIM_GPU_COUNT',
      'problem AIM_METRIC',
      'problem AIM_MODLE_ID',
      'problem AIM_PORT',
      'warning AIM_WHATEVER',
    ])
  })

  test('names the nearest variable and the nearest value', () => {
    const shown = showProblems(read({ AIM_MODLE_ID: 'x', AIM_METRIC: 'latancy' }).problems)
    assert.match(shown, /did you mean AIM_MODEL_ID\?/)
    assert.match(shown, /did you mean latency\?/)
  })

  test('refuses two different models, takes the same one twice', () => {
    assert.deepEqual(problemsOf({ AIM_ID: 'a/b', AIM_MODEL_ID: 'a/c' }), ['problem AIM_ID'])
    assert.deepEqual(problemsOf({ AIM_ID: 'a/b', AIM_MODEL_ID: 'a/b' }), [])
    assert.deepEqual(problemsOf({ AIM_ID: 'a/b', AIM_MODEL_ID: 'a/c', AIM_STRICT: 'no' }), ['warning AIM_ID'])
  })

  test('never shows a secret, nor the value of a variable that may hold one', () => {
    const shown = showProblems(
      read({
        VLLM_API_KEY: ' ',
        HF_TOKEN: ' ',
        AIM_ENGINE_ARGS: '{"api-key": "s3cret"',
        HF_TOKNE: 'hf_s3cret',
        AIM_ENGINE_EXTRA_ARGS: '--api-key "s3cret',
      }).problems,
    )
    assert.doesNotMatch(shown, /s3cret/)
  })

  for (const service of ['aim', 'aim-engine', 'aim-ops', 'vllm']) {
    test(`leaves alone what Kubernetes injects for a Service named ${service}`, () => {
      const prefix = service.toUpperCase().replaceAll('-', '_')
      const links = {
        [`${prefix}_SERVICE_HOST`]: '10.96.0.12',
        [`${prefix}_SERVICE_PORT`]: '8000',
        [`${prefix}_SERVICE_PORT_HTTP`]: '8000',
        [`${prefix}_PORT`]: 'tcp://10.96.0.12:8000',
        [`${prefix}_PORT_8000_TCP`]: 'tcp://10.96.0.12:8000',
        [`${prefix}_PORT_8000_TCP_PROTO`]: 'tcp',
        [`${prefix}_PORT_8000_TCP_PORT`]: '8000',
        [`${prefix}_PORT_8000_TCP_ADDR`]: '10.96.0.12',
      }
      const { options, problems } = read(links)
      assert.deepEqual(problems, [])
      assert.deepEqual(options, read({}).options)
    })
  }
})

describe('toEnv()', () => {
  /** Values that a variable takes, beside its default. */
  const samples: Readonly<Record<string, readonly unknown[]>> = {
    ...{
      model: ['a/b', '/models/x'],
      gpuCount: [0, 4, 'auto'],
      precision: ['fp8', 'auto'],
      engineArguments: [{}, { a: [true, null, 'x y'] }],
    },
    ...{
      extraArguments: [[], ['--a', "it's", 'x y', '']],
      servedNames: [['a', 'b']],
      port: [1, 65535],
      drainDelay: [0, 1500],
      hubToken: ['hf_x'],
    },
    ...{
      strict: [true, false],
      restart: ['never', 'on-failure'],
      hubEndpoint: ['http://h:1/p'],
      gpuModel: ['MI300X'],
      startupStall: [5000, 86_400_000],
    },
  }

  test('parse(toEnv(options)) is options, for random options (seed printed)', () => {
    const seed = Number(process.env.AIM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
    const random = generator(seed)
    for (let round = 0; round < 500; round++) {
      const options = { ...read({}).options } as Record<string, unknown>
      for (const [key, values] of Object.entries(samples)) if (random() < 0.5) options[key] = values[Math.floor(random() * values.length)]
      const again = parse(toEnv(options as never, true), readFile)
      assert.deepEqual({ seed, round, problems: again.problems, options: again.options }, { seed, round, problems: [], options })
    }
  })

  test('leaves secrets out unless asked for them', () => {
    assert.deepEqual(toEnv(read({ HF_TOKEN: 'hf_x' }).options), {})
    assert.deepEqual(toEnv(read({ HF_TOKEN: 'hf_x' }).options, true), { HF_TOKEN: 'hf_x' })
  })

  test('every default is written as text that parses to it again', () => {
    for (const [key, variable] of Object.entries(variables)) {
      if (variable.default === undefined) continue
      const text = (variable.encode as (value: unknown) => string)(variable.default)
      if (text !== '') assert.deepEqual((read({ [variable.name]: text }).options as Record<string, unknown>)[key], variable.default, key)
    }
  })
})
