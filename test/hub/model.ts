import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Architecture, bert, llama } from './architecture.ts'
import { type Tensor, tensorBytes, writeSafetensors } from './safetensors.ts'
import { specialTokensMap, tokenizerConfig, tokenizerJson } from './tokenizer.ts'

/** A model to build: about so many megabytes (2 at least), in so many weight files. */
export type ModelOptions = {
  readonly architecture?: 'llama' | 'embedding'
  readonly megabytes: number
  readonly shards: number
  /** The same seed gives the same bytes. */
  readonly seed?: string
}

type Kind = {
  readonly build: (megabytes: number) => Architecture
  readonly tokenizer: 'decoder' | 'encoder'
  readonly tags: string
  readonly extra: Files
}
type Files = Readonly<Record<string, unknown>>

const sentenceTransformers = (hidden: number): Files => ({
  'modules.json': [
    { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
    { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
  ],
  '1_Pooling/config.json': { word_embedding_dimension: hidden, pooling_mode_cls_token: false, pooling_mode_mean_tokens: true },
  'sentence_bert_config.json': { max_seq_length: 512, do_lower_case: false },
  'config_sentence_transformers.json': { prompts: {}, default_prompt_name: null, similarity_fn_name: 'cosine' },
})

const generation: Files = { 'generation_config.json': { bos_token_id: 0, eos_token_id: 1, pad_token_id: 2, max_length: 2048 } }

const kinds: Readonly<Record<'llama' | 'embedding', Kind>> = {
  llama: { build: llama, tokenizer: 'decoder', tags: 'pipeline_tag: text-generation', extra: generation },
  embedding: { build: bert, tokenizer: 'encoder', tags: 'pipeline_tag: sentence-similarity', extra: {} },
}

const readme = ({ tags }: Kind): string =>
  `---\nlicense: mit\nlibrary_name: transformers\n${tags}\ntags:\n- test\n---\n\n# A model with random weights\n\nIt answers, but knows nothing.\n`

/** Cuts the list into runs of about the same number of bytes. */
const cut = (tensors: readonly Tensor[], shards: number): readonly (readonly Tensor[])[] => {
  const total = tensors.reduce((bytes, tensor) => bytes + tensorBytes(tensor), 0)
  const runs: Tensor[][] = Array.from({ length: shards }, () => [])
  let before = 0
  for (const tensor of tensors) {
    runs[Math.floor((before / total) * shards)]?.push(tensor)
    before += tensorBytes(tensor)
  }
  return runs.filter((run) => run.length > 0)
}

const shardName = (index: number, count: number): string => {
  const number = (value: number): string => String(value).padStart(5, '0')
  return count === 1 ? 'model.safetensors' : `model-${number(index + 1)}-of-${number(count)}.safetensors`
}

const writeWeights = async (directory: string, tensors: readonly Tensor[], { shards, seed = 'aim' }: ModelOptions): Promise<Files> => {
  const runs = cut(tensors, shards)
  const weightMap: Record<string, string> = {}
  for (const [index, run] of runs.entries()) {
    const name = shardName(index, runs.length)
    await writeSafetensors(join(directory, name), run, seed)
    for (const tensor of run) weightMap[tensor.name] = name
  }
  const totalSize = tensors.reduce((bytes, tensor) => bytes + tensorBytes(tensor), 0)
  return runs.length === 1 ? {} : { 'model.safetensors.index.json': { metadata: { total_size: totalSize }, weight_map: weightMap } }
}

const writeJson = async (directory: string, files: Files): Promise<void> => {
  for (const [name, value] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), `${JSON.stringify(value, null, 2)}\n`)
  }
}

/**
 * Writes a real model with random weights into a directory: what transformers and vLLM load, with a tokenizer and, for Llama, a chat
 * template. The same options give the same bytes.
 */
export const buildModel = async (directory: string, options: ModelOptions): Promise<void> => {
  const { architecture = 'llama', megabytes } = options
  const kind = kinds[architecture]
  const { config, tensors } = kind.build(megabytes)
  await mkdir(directory, { recursive: true })
  const index = await writeWeights(directory, tensors, options)
  await writeJson(directory, {
    'config.json': config,
    'tokenizer.json': tokenizerJson(kind.tokenizer),
    'tokenizer_config.json': tokenizerConfig(kind.tokenizer, architecture === 'llama' ? 2048 : 512),
    'special_tokens_map.json': specialTokensMap,
    ...index,
    ...kind.extra,
    ...(architecture === 'embedding' && sentenceTransformers(Number(config.hidden_size))),
  })
  await writeFile(join(directory, 'README.md'), readme(kind))
  await writeFile(join(directory, '.gitattributes'), '*.safetensors filter=lfs diff=lfs merge=lfs -text\n')
}
