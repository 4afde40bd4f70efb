import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { describe } from '../../src/model/describe.ts'
import { parsePythonJson } from '../../src/std/python-json.ts'

const llama = {
  architectures: ['LlamaForCausalLM'],
  hidden_size: 4096,
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  max_position_embeddings: 131072,
  vocab_size: 128256,
  torch_dtype: 'bfloat16',
}

test('describe() gives everything that a plain model says', () => {
  assert.deepEqual(describe(llama, [{ path: 'model.safetensors', bytes: 16 }]), {
    task: 'generate',
    architecture: 'LlamaForCausalLM',
    dtype: 'bfloat16',
    precision: 'bf16',
    contextLength: 131072,
    weightsBytes: 16,
    layers: 32,
    hiddenSize: 4096,
    attentionHeads: 32,
    kvHeads: 8,
    headDim: 128,
    vocabSize: 128256,
    kvBytesPerToken: 131072,
  })
})

test('describe() looks into the language part of a multimodal model', () => {
  const { architectures: _, torch_dtype: __, ...text } = llama
  for (const nesting of ['text_config', 'llm_config', 'language_config']) {
    const facts = describe({ architectures: ['Mistral3ForConditionalGeneration'], torch_dtype: 'bfloat16', [nesting]: text }, [])
    assert.equal(facts.architecture, 'Mistral3ForConditionalGeneration', nesting)
    assert.equal(facts.kvBytesPerToken, 131072, nesting)
    assert.equal(facts.precision, 'bf16', nesting)
  }
  const omni = describe({ architectures: ['Qwen2_5OmniModel'], thinker_config: { text_config: { ...text, dtype: 'bfloat16' } } }, [])
  assert.equal(omni.layers, 32)
  assert.equal(omni.dtype, 'bfloat16')
})

test('describe() answers whatever it is given', () => {
  for (const config of [undefined, null, 'text', [], {}, { architectures: 'LlamaForCausalLM', hidden_size: null, text_config: 3 }]) {
    assert.deepEqual(describe(config, []), { task: 'generate' })
  }
})

const configs = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures/model-configs')

test('describe() understands the configurations of real models', (t) => {
  if (!existsSync(configs))
    return t.diagnostic(`no model configurations at ${configs}: this check did not run; AIM_SHARED names their folder`)
  const read = (name: string) => parsePythonJson(readFileSync(join(configs, name), 'utf8'))
  const facts = new Map(readdirSync(configs).map((name) => [name.replace('.json', ''), describe(read(name), [])]))
  for (const [name, { architecture, layers, hiddenSize, vocabSize, contextLength }] of facts) {
    for (const value of [architecture, layers, hiddenSize, vocabSize, contextLength]) assert.notEqual(value, undefined, name)
  }
  const perToken = (name: string) => facts.get(name)?.kvBytesPerToken
  assert.equal(perToken('meta-llama__Llama-3.3-70B-Instruct'), 327680)
  assert.equal(perToken('deepseek-ai__DeepSeek-V3'), 70272)
  for (const hybrid of [
    'Qwen__Qwen3.5-27B',
    'openai__gpt-oss-120b',
    'google__gemma-3-27b-it',
    'deepseek-ai__DeepSeek-V3.2',
    'nvidia__Nemotron-H-56B-Base-8K',
  ]) {
    assert.equal(perToken(hybrid), undefined, hybrid)
  }
})
