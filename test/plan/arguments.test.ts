import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeArguments, overridesOf, readWords } from '../../src/plan/arguments.ts'
import { profile } from '../recipes/worlds.ts'
import { request } from './worlds.ts'

const tuned = profile({ gpuCount: 4, arguments: { 'max-model-len': 32768, 'max-num-seqs': 512, 'enable-prefix-caching': false } })

test('readWords() reads long flags, inline values, short parallel sizes and negative numbers; the last counts', () => {
  assert.deepEqual(readWords(['--max_model_len', '10', '--max-model-len=20', '-tp', '2', '--enforce-eager', '--seed', '-1', 'stray']), {
    'max-model-len': '20',
    'tensor-parallel-size': '2',
    'enforce-eager': true,
    seed: '-1',
  })
})

test('arguments come from the profile, then the largest length, then AIM_ENGINE_ARGS, under one spelling', () => {
  const merged = (given: object) => mergeArguments(tuned, request(given)).input.arguments
  assert.equal(merged({})['max-model-len'], 32768)
  assert.equal(merged({ maxModelLength: 8192 })['max-model-len'], 8192)
  assert.equal(merged({ maxModelLength: 8192, engineArguments: { max_model_len: 4096 } })['max-model-len'], 4096)
  assert.equal(merged({ engineArguments: { 'enable-prefix-caching': true } })['enable-prefix-caching'], true)
  assert.equal(merged({ engineArguments: { 'max-num-seqs': null } })['max-num-seqs'], null)
})

test('extra words stay as they are and last', () => {
  const { input } = mergeArguments(tuned, request({ extraArguments: ['--max-model-len', '1k'] }))
  assert.deepEqual(input.extraArguments, ['--max-model-len', '1k'])
  assert.deepEqual(overridesOf(request({ maxModelLength: 5, extraArguments: ['--max-model-len', '1k'] })), { 'max-model-len': '1k' })
})

test('tensor parallelism is added for several GPUs unless somebody said how', () => {
  const tensor = (given: object, gpuCount = 4) =>
    mergeArguments({ ...tuned, gpuCount }, request(given)).input.arguments['tensor-parallel-size']
  assert.equal(tensor({}), 4)
  assert.equal(tensor({}, 1), undefined)
  assert.equal(tensor({}, 0), undefined)
  assert.equal(tensor({ engineArguments: { 'tensor-parallel-size': 2 } }), 2)
  assert.equal(tensor({ engineArguments: { 'pipeline-parallel-size': 2 } }), 2)
  assert.equal(tensor({ engineArguments: { 'data-parallel-size': 4 } }), undefined)
  assert.equal(tensor({ extraArguments: ['-tp', '4'] }), undefined)
})

test('names, host and port given as arguments become the input that everybody reads', () => {
  const engineArguments = { served_model_name: ['a', 'b'], host: '127.0.0.1', port: 9000 }
  const { input } = mergeArguments(tuned, request({ engineArguments }))
  assert.deepEqual([input.servedNames, input.host, input.port], [['a', 'b'], '127.0.0.1', 9000])
  for (const name of ['served-model-name', 'host', 'port']) assert.equal(name in input.arguments, false)
  const words = mergeArguments(tuned, request({ engineArguments, extraArguments: ['--served-model-name', 'c', 'd', '--seed', '1'] }))
  assert.deepEqual(words.input.servedNames, ['c', 'd'])
})

test('a model served from another checkpoint answers to both names, unless names were given', () => {
  const quantized = { ...tuned, checkpoint: 'amd/quantized' }
  assert.deepEqual(mergeArguments(quantized, request()).input.servedNames, ['amd/quantized', request().model])
  assert.deepEqual(mergeArguments(quantized, request({ servedNames: ['mine'] })).input.servedNames, ['mine'])
  assert.deepEqual(mergeArguments(tuned, request({ servedNames: [] })).input.servedNames, [request().model])
})

test('each argument of the user is a reason, with what it replaced', () => {
  const { reasons } = mergeArguments(tuned, request({ maxModelLength: 8192, engineArguments: { seed: 1, 'max-num-seqs': null } }))
  assert.deepEqual(reasons, [
    "max-model-len is as asked for, not the profile's 32768",
    'seed is as asked for',
    'max-num-seqs is left out, as asked for',
  ])
})
