import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contextLengthOf } from '../../src/model/context.ts'

const rows: readonly (readonly [string, Record<string, unknown>, number | undefined])[] = [
  ['the field', { max_position_embeddings: 4096 }, 4096],
  ['the smallest of several', { max_position_embeddings: 8192, seq_length: 2048 }, 2048],
  ['Whisper', { max_target_positions: 448 }, 448],
  ['llama3 scaling is in already', { max_position_embeddings: 131072, rope_scaling: { rope_type: 'llama3', factor: 8 } }, 131072],
  ['so is yarn', { max_position_embeddings: 131072, rope_scaling: { type: 'yarn', factor: 32 } }, 131072],
  ['linear scaling is not', { max_position_embeddings: 4096, rope_scaling: { type: 'linear', factor: 4 } }, 16384],
  ['rope_parameters is the newer name', { max_position_embeddings: 4096, rope_parameters: { rope_type: 'dynamic', factor: 2 } }, 8192],
  [
    'Gemma 3 has the factor in',
    { model_type: 'gemma3_text', max_position_embeddings: 131072, rope_scaling: { rope_type: 'linear', factor: 8 } },
    131072,
  ],
  ['a null factor', { max_position_embeddings: 4096, rope_scaling: { type: 'linear', factor: null } }, 4096],
  ['no field', { hidden_size: 1 }, undefined],
  ['a field that is no number', { max_position_embeddings: 'many' }, undefined],
]

test('contextLengthOf() gives the length that vLLM derives', () => {
  for (const [name, fields, length] of rows) assert.equal(contextLengthOf(fields), length, name)
})
