import assert from 'node:assert/strict'
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { snapshotFiles } from '../../src/cache/locate.ts'
import { scratch } from '../cache/setup.ts'
import { buildModel, type ModelOptions } from './model.ts'

const build = async (t: TestContext, options: ModelOptions): Promise<string> => {
  const directory = await scratch(t)
  await buildModel(directory, options)
  return directory
}

const readJson = async (directory: string, name: string) => JSON.parse(await readFile(join(directory, name), 'utf8'))

type Entry = { readonly dtype: string; readonly shape: readonly number[]; readonly data_offsets: readonly [number, number] }

/** Header of a safetensors file, and how many bytes of values the file has. */
const readHeader = async (path: string): Promise<{ tensors: Record<string, Entry>; bytes: number }> => {
  const handle = await open(path)
  try {
    const length = Buffer.alloc(8)
    await handle.read(length, 0, 8, 0)
    const header = Buffer.alloc(Number(length.readBigUInt64LE()))
    await handle.read(header, 0, header.length, 8)
    const { __metadata__: _, ...tensors } = JSON.parse(header.toString())
    return { tensors, bytes: (await handle.stat()).size - 8 - header.length }
  } finally {
    await handle.close()
  }
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

test('buildModel() writes shards whose headers cover their bytes without a gap, all of them named by the index', async (t) => {
  const directory = await build(t, { megabytes: 12, shards: 3 })
  const { weight_map, metadata } = await readJson(directory, 'model.safetensors.index.json')
  let total = 0
  for (const name of new Set<string>(Object.values(weight_map))) {
    const { tensors, bytes } = await readHeader(join(directory, name))
    let offset = 0
    for (const [tensor, { dtype, shape, data_offsets }] of Object.entries(tensors)) {
      assert.deepEqual([weight_map[tensor], dtype, data_offsets], [name, 'BF16', [offset, offset + 2 * product(shape)]], tensor)
      offset = data_offsets[1]
    }
    assert.equal(offset, bytes)
    total += bytes
  }
  assert.equal(new Set(Object.values(weight_map)).size, 3)
  assert.equal(metadata.total_size, total)
  assert.ok(Math.abs(total / (12 * 1024 ** 2) - 1) < 0.15, `${total} bytes`)
})

test('the shapes of a Llama are those that its config.json implies', async (t) => {
  const directory = await build(t, { megabytes: 2, shards: 1 })
  const config = await readJson(directory, 'config.json')
  const { tensors } = await readHeader(join(directory, 'model.safetensors'))
  const { hidden_size: hidden, intermediate_size: inner, vocab_size: vocabulary } = config
  const kv = config.num_key_value_heads * config.head_dim
  const shapes: Readonly<Record<string, readonly number[]>> = {
    'model.embed_tokens.weight': [vocabulary, hidden],
    'lm_head.weight': [vocabulary, hidden],
    'model.norm.weight': [hidden],
    'model.layers.0.self_attn.q_proj.weight': [config.num_attention_heads * config.head_dim, hidden],
    'model.layers.0.self_attn.k_proj.weight': [kv, hidden],
    'model.layers.0.mlp.gate_proj.weight': [inner, hidden],
    'model.layers.0.mlp.down_proj.weight': [hidden, inner],
  }
  for (const [name, shape] of Object.entries(shapes)) assert.deepEqual(tensors[name]?.shape, shape, name)
  assert.equal(Object.keys(tensors).length, 3 + 9 * config.num_hidden_layers)
})

test('the same options give the same bytes, another seed gives others', async (t) => {
  const bytesOf = async (options: ModelOptions): Promise<readonly Buffer[]> => {
    const directory = await build(t, options)
    return Promise.all(snapshotFiles(directory).map(({ path }) => readFile(join(directory, path))))
  }
  const options = { megabytes: 2, shards: 2 }
  const first = await bytesOf(options)
  assert.deepEqual(first, await bytesOf(options))
  assert.notDeepEqual(first, await bytesOf({ ...options, seed: 'other' }))
})

test('every id of the tokenizer is within the vocabulary of the config, and every merge is of known tokens', async (t) => {
  for (const architecture of ['llama', 'embedding'] as const) {
    const directory = await build(t, { architecture, megabytes: 2, shards: 1 })
    const { vocab, merges } = (await readJson(directory, 'tokenizer.json')).model
    const ids = Object.values<number>(vocab)
    assert.deepEqual(
      ids.toSorted((a, b) => a - b),
      ids.keys().toArray(),
    )
    assert.ok(ids.length <= (await readJson(directory, 'config.json')).vocab_size)
    for (const [left, right] of merges)
      assert.ok(
        [left, right, left + right].every((token) => token in vocab),
        `${left} ${right}`,
      )
  }
})

test('an embedding model has the layout of sentence-transformers, with files in directories', async (t) => {
  const directory = await build(t, { architecture: 'embedding', megabytes: 3, shards: 1 })
  const names = await readdir(directory, { recursive: true })
  for (const name of ['modules.json', '1_Pooling/config.json', 'sentence_bert_config.json', 'model.safetensors', 'README.md'])
    assert.ok(names.includes(name), name)
  const { hidden_size } = await readJson(directory, 'config.json')
  assert.equal((await readJson(directory, '1_Pooling/config.json')).word_embedding_dimension, hidden_size)
})
