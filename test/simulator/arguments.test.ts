import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseWords } from '../../src/simulator/arguments.ts'

type Expected = { readonly flags?: Readonly<Record<string, readonly string[] | boolean>>; readonly positionals?: readonly string[] }

const accepted: readonly (readonly [string, readonly string[], Expected])[] = [
  ['a positional', ['m'], { positionals: ['m'] }],
  ['a value after the flag', ['--port', '1'], { flags: { port: ['1'] } }],
  ['a value in the same word', ['--port=1'], { flags: { port: ['1'] } }],
  ['an empty value in the same word', ['--root-path='], { flags: { 'root-path': [''] } }],
  ['underscores', ['--max_model_len', '8'], { flags: { 'max-model-len': ['8'] } }],
  ['short flags', ['-tp', '2'], { flags: { 'tensor-parallel-size': ['2'] } }],
  ['a boolean', ['--enforce-eager'], { flags: { 'enforce-eager': true } }],
  ['its negation', ['--no-enforce-eager'], { flags: { 'enforce-eager': false } }],
  ['lists up to the next flag', ['--api-key', 'a', 'b', '--port', '1'], { flags: { 'api-key': ['a', 'b'], port: ['1'] } }],
  ['a negative number as a value', ['--max-model-len', '-1'], { flags: { 'max-model-len': ['-1'] } }],
  ['the last of two', ['--port', '1', '--port', '2'], { flags: { port: ['2'] } }],
  ['an unambiguous beginning', ['--gpu-mem', '0.5'], { flags: { 'gpu-memory-utilization': ['0.5'] } }],
  ['dotted flags', ['--compilation-config.mode', '3'], { flags: { 'compilation-config': ['3'] } }],
  ['JSON', ['--hf-overrides', '{"a": 1}'], { flags: { 'hf-overrides': ['{"a": 1}'] } }],
  ['an optimization level in one word', ['-O3'], { flags: { 'optimization-level': ['3'] } }],
  ['a flag whose value may be missing', ['--hf-token', '--port', '1'], { flags: { 'hf-token': [], port: ['1'] } }],
  ['switches', ['--headless'], { flags: { headless: true } }],
]

const refused: readonly (readonly [string, readonly string[], string])[] = [
  ['an unknown flag and its value', ['m', '--no-such-flag', '1'], 'unrecognized arguments: --no-such-flag 1'],
  ['a second positional', ['m', 'n'], 'unrecognized arguments: n'],
  ['the negation of a switch', ['--no-headless'], 'unrecognized arguments: --no-headless'],
  ['a missing value', ['--port'], 'argument --port: expected one argument'],
  ['a flag in place of a value', ['-tp', '--port', '1'], 'argument --tensor-parallel-size/-tp: expected one argument'],
  ['an empty list', ['--api-key'], 'argument --api-key: expected at least one argument'],
  ['a value for a boolean', ['--enforce-eager=false'], "argument --enforce-eager: ignored explicit argument 'false'"],
  [
    'an ambiguous beginning',
    ['--ssl-c'],
    'ambiguous option: --ssl-c could match --ssl-ca-certs, --ssl-cert-reqs, --ssl-certfile, --ssl-ciphers',
  ],
]

describe('parseWords()', () => {
  for (const [what, argv, { flags = {}, positionals = [] }] of accepted)
    it(`accepts ${what}`, () => {
      const parsed = parseWords(argv)
      assert.ok(parsed.ok)
      assert.deepEqual({ flags: Object.fromEntries(parsed.words.flags), positionals: parsed.words.positionals }, { flags, positionals })
    })
  for (const [what, argv, message] of refused)
    it(`refuses ${what}`, () => {
      assert.deepEqual(parseWords(argv), { ok: false, message })
    })
})
