import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Request } from '../../src/plan/request.ts'
import { refuseSecrets } from '../../src/plan/secrets.ts'
import type { Profile } from '../../src/recipes/profile.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { profile } from '../recipes/worlds.ts'
import { request } from './worlds.ts'

const value = 'sk-very-secret'

const secrets: readonly (readonly [string, Partial<Request>, Partial<Profile>?])[] = [
  ['a key in AIM_ENGINE_ARGS', { engineArguments: { 'api-key': value } }],
  ['its other spelling', { engineArguments: { api_key: [value, 'b'] } }],
  ['with dashes', { engineArguments: { '--api-key': value } }],
  ['a key among the words', { extraArguments: ['--api-key', value] }],
  ['inline', { extraArguments: [`--api_key=${value}`] }],
  ['abbreviated, as argparse takes it', { extraArguments: ['--api-k', value] }],
  ['the hub token', { extraArguments: ['--hf-token', value] }],
  ['a dotted key', { extraArguments: ['--kv-transfer-config.extra.secret_access_key', value] }],
  ['inside an object', { engineArguments: { 'kv-transfer-config': { extra: [{ password: value }] } } }],
  ['inside JSON text', { extraArguments: ['--kv-transfer-config', `{"api_key": "${value}"}`] }],
  ['inside a URL', { engineArguments: { 'otlp-traces-endpoint': `http://me:${value}@host/` } }],
  ["in a profile's variables", {}, { environment: { HF_TOKEN: value } }],
  ["in a profile's arguments", {}, { arguments: { 'api-key': value } }],
]

for (const [name, asked, given] of secrets) {
  test(`a launch carries no secret: ${name}`, () => {
    const refusal = refuseSecrets(request(asked), profile(given))
    assert.equal(refusal?.exitCode, exitCodes.config)
    assert.ok(!JSON.stringify(refusal).includes(value))
    assert.match(refusal?.fix ?? '', /VLLM_API_KEY_FILE|HF_TOKEN/)
  })
}

test('arguments that only look like secrets pass', () => {
  const engineArguments = {
    'max-num-batched-tokens': 1,
    'tokenizer-mode': 'auto',
    'api-server-count': 2,
    'hf-overrides': { bos_token_id: 1 },
  }
  const extraArguments = ['--enable-prompt-tokens-details', '--otlp-traces-endpoint', 'http://host:4317', '--tokens-only', '-tp', '2']
  const environment = { TOKENIZERS_PARALLELISM: 'false', VLLM_ROCM_USE_AITER: '1' }
  assert.equal(refuseSecrets(request({ engineArguments, extraArguments }), profile({ environment })), undefined)
})
