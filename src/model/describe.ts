import { isRecord } from '../std/json.ts'
import type { StoredTensor } from '../std/safetensors.ts'
import { boundsOf } from './bounds.ts'
import { contextLengthOf } from './context.ts'
import type { ModelFacts } from './facts.ts'
import { count, type Fields, flags, languageFields, object, text, texts } from './fields.ts'
import { headSizeOf, kvShapeOf } from './kv.ts'
import { precisionOf, quantizationOf } from './quantization.ts'
import { modelShapeOf } from './shape.ts'
import { architectureOf } from './structure.ts'
import { taskOf } from './task.ts'
import { type WeightFile, weightsBytesOf } from './weights.ts'

/**
 * What a model is, from its parsed config.json and the files beside it (sizes in bytes). Total: whatever it is given, it answers, and what
 * it cannot tell is absent. The whole list of files may be passed; those that are no weights say what kind of repository it is. `tensors` are
 * those of the weights' headers, where these were read.
 */
export const describe = (config: unknown, weightFiles: readonly WeightFile[], tensors?: readonly StoredTensor[]): ModelFacts => {
  const top: Fields = isRecord(config) ? config : {}
  const language = languageFields(top)
  const architecture = texts(top, 'architectures')[0] ?? texts(language, 'architectures')[0]
  const dtype = dtypeOf(language) ?? dtypeOf(top)
  const kv = kvShapeOf(architecture, language)
  const weightsBytes = weightsBytesOf(weightFiles)
  const decoder = architectureOf(architecture, top, language)
  return known({
    architecture,
    task: taskOf(
      architecture,
      top,
      weightFiles.map(({ path }) => path),
    ),
    dtype,
    quantization: quantizationOf(top, language),
    precision: precisionOf(top, language, dtype),
    contextLength: contextLengthOf(language),
    weightsBytes,
    layers: count(language, 'num_hidden_layers', 'n_layer', 'num_layers'),
    hiddenSize: count(language, 'hidden_size', 'n_embd', 'd_model'),
    attentionHeads: count(language, 'num_attention_heads', 'n_head'),
    kvHeads: kv?.heads ?? count(language, 'num_key_value_heads'),
    headDim: headSizeOf(language),
    vocabSize: count(language, 'vocab_size'),
    kvBytesPerToken: kv?.bytesPerToken,
    shape:
      decoder === undefined
        ? undefined
        : modelShapeOf(decoder, top, language, {
            ...(weightsBytes === undefined ? {} : { bytes: weightsBytes }),
            ...(tensors === undefined ? {} : { tensors }),
            ...(dtype === undefined ? {} : { dtype }),
          }),
    bounds:
      decoder !== undefined || tensors === undefined
        ? undefined
        : boundsOf(tensors, language, {
            tied: flags(top, 'tie_word_embeddings') ?? flags(language, 'tie_word_embeddings') ?? false,
            dtype,
          }),
  })
}

/** transformers 5 writes `dtype`, older ones `torch_dtype`; Omni models keep it one level further down. */
const dtypeOf = (fields: Fields): string | undefined =>
  text(fields, 'dtype', 'torch_dtype') ?? text(object(fields, 'text_config') ?? {}, 'dtype', 'torch_dtype')

type Maybe<T> = { readonly [K in keyof T]: T[K] | undefined }

const known = ({ task, ...facts }: Maybe<ModelFacts> & Pick<ModelFacts, 'task'>): ModelFacts => ({
  task,
  ...(Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Omit<ModelFacts, 'task'>),
})
