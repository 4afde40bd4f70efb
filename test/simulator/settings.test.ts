import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readCommand, type ServeSettings } from '../../src/simulator/settings.ts'

const settingsOf = (argv: readonly string[], environment: Readonly<Record<string, string>> = {}): ServeSettings => {
  const command = readCommand(argv, environment)
  assert.equal(command.kind, 'serve')
  return (command as { settings: ServeSettings }).settings
}

const rows: readonly (readonly [string, readonly string[], Partial<ServeSettings>])[] = [
  [
    'the defaults of vLLM',
    ['m'],
    { model: 'm', servedNames: ['m'], host: '0.0.0.0', port: 8000, shutdownTimeout: 0, tensorParallelSize: 1 },
  ],
  ['the model as a flag', ['--model', 'm'], { model: 'm' }],
  ['several names', ['m', '--served-model-name', 'a', 'b'], { servedNames: ['a', 'b'] }],
  ['decimal lengths', ['m', '--max-model-len', '32k'], { maxModelLen: 32_000 }],
  ['binary lengths', ['m', '--max-model-len', '32K'], { maxModelLen: 32_768 }],
  ['a length left to the model', ['m', '--max-model-len', 'auto'], { maxModelLen: undefined }],
  ['a length of -1', ['m', '--max-model-len', '-1'], { maxModelLen: undefined }],
  ['TLS', ['m', '--ssl-keyfile', 'k', '--ssl-certfile', 'c'], { tls: { keyFile: 'k', certFile: 'c' } }],
  ['no TLS with half of it', ['m', '--ssl-keyfile', 'k'], { tls: undefined }],
  ['a root path without its last slash', ['m', '--root-path', '/a/'], { rootPath: '/a' }],
  ['paths without access lines', ['m', '--disable-access-log-for-endpoints', '/health, /metrics'], { quietPaths: ['/health', '/metrics'] }],
  ['pooling by the runner', ['m', '--runner', 'pooling'], { pooling: true }],
  ['flags turned off again', ['m', '--enforce-eager', '--no-enforce-eager'], { enforceEager: false }],
]

describe('readCommand()', () => {
  for (const [what, argv, expected] of rows)
    it(`reads ${what}`, () => {
      assert.partialDeepStrictEqual(settingsOf(argv), expected)
    })
  it('takes the key from VLLM_API_KEY, unless a flag gives one', () => {
    assert.deepEqual(settingsOf(['m'], { VLLM_API_KEY: 'e' }).apiKeys, ['e'])
    assert.deepEqual(settingsOf(['m', '--api-key', 'a', 'b'], { VLLM_API_KEY: 'e' }).apiKeys, ['a', 'b'])
  })
  it('masks keys in what the log shows', () => {
    assert.equal(settingsOf(['m', '--api-key', 'k']).given.api_key, '***')
  })
  it('names the top-level program for unknown words, and serve for bad values', () => {
    const usage = 'usage: vllm serve [model_tag] [options]\n'
    assert.deepEqual(readCommand(['m', '--nope'], {}), { kind: 'usage', text: `${usage}vllm: error: unrecognized arguments: --nope\n` })
    assert.deepEqual(readCommand(['m', '--port', 'x'], {}), {
      kind: 'usage',
      text: `${usage}vllm serve: error: argument --port: invalid int value: 'x'\n`,
    })
  })
  it('prints help and version', () => {
    assert.equal(readCommand(['--help=all'], {}).kind, 'print')
    assert.deepEqual(readCommand(['--version'], {}), { kind: 'print', text: '0.32.0+simulator\n' })
  })
})
