import { count, type Fields, object, text } from './fields.ts'

/** Fields that hold a largest length, the smallest of those present counting (vLLM 0.32 `derive_max_model_len_and_key`). */
const keys = [
  'max_position_embeddings',
  'n_positions',
  'max_seq_len',
  'seq_length',
  'model_max_length',
  'max_target_positions',
  'max_sequence_length',
  'max_seq_length',
  'seq_len',
] as const

/** RoPE kinds whose factor is already in `max_position_embeddings` (vLLM 0.32 `_get_and_verify_max_len`). */
const alreadyScaled = new Set(['su', 'longrope', 'llama3', 'yarn', 'deepseek_yarn', 'deepseek_llama_scaling'])

/** Largest context in tokens, as vLLM derives it from config.json; undefined when no field says it. */
export const contextLengthOf = (fields: Fields): number | undefined => {
  const lengths = keys.map((key) => count(fields, key)).filter((length) => length !== undefined)
  if (lengths.length === 0) return undefined
  return Math.floor(Math.min(...lengths) * ropeFactor(fields))
}

const ropeFactor = (fields: Fields): number => {
  const rope = object(fields, 'rope_parameters') ?? object(fields, 'rope_scaling')
  // Gemma 3 declares a length that the factor is in already.
  if (rope === undefined || text(fields, 'model_type')?.includes('gemma3')) return 1
  const factor = rope.factor
  const scaled = alreadyScaled.has(text(rope, 'rope_type', 'type') ?? '')
  return scaled || typeof factor !== 'number' || factor < 1 ? 1 : factor
}
