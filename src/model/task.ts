import type { Task } from './facts.ts'
import { count, type Fields, object } from './fields.ts'

/**
 * Ends of architecture names and what they answer with, in the order they are tried
 * (vllm/config/model.py `_SUFFIX_TO_DEFAULTS`, 0.32).
 */
const suffixes: readonly (readonly [string, Task])[] = [
  ['ForCausalLM', 'generate'],
  ['ForConditionalGeneration', 'generate'],
  ['ChatModel', 'generate'],
  ['LMHeadModel', 'generate'],
  ['ForTextEncoding', 'embed'],
  ['EmbeddingModel', 'embed'],
  ['ForSequenceClassification', 'classify'],
  ['ForTokenClassification', 'classify'],
  ['ForAudioClassification', 'classify'],
  ['ForImageClassification', 'classify'],
  ['ForVideoClassification', 'classify'],
  ['ClassificationModel', 'classify'],
  ['ForRewardModeling', 'embed'],
  ['RewardModel', 'embed'],
  ['Model', 'embed'],
]

/** Speech models answer `/v1/audio/transcriptions`; their names end like any generating model's. */
const speech = /^(?:Whisper|CohereAsr|Qwen3ASR|GlmAsr|ParakeetCTC)/i

/** Files by which vLLM knows a Sentence Transformers model, whatever its architecture says (`get_pooling_config`). */
const sentenceTransformers = new Set(['modules.json', '1_Pooling/config.json'])

/** What a model answers with. An architecture nobody knows generates, which is what vLLM assumes. */
export const taskOf = (architecture: string | undefined, config: Fields, paths: readonly string[]): Task => {
  if (paths.some((path) => sentenceTransformers.has(path))) return 'embed'
  if (architecture === undefined) return 'generate'
  if (speech.test(architecture)) return 'transcribe'
  const task = suffixes.find(([suffix]) => architecture.endsWith(suffix))?.[1] ?? 'generate'
  // One label is a relevance score: vLLM serves such a cross encoder at /score.
  return task === 'classify' && labels(config) === 1 ? 'score' : task
}

const labels = (config: Fields): number | undefined => {
  const names = object(config, 'id2label')
  return count(config, 'num_labels') ?? (names === undefined ? undefined : Object.keys(names).length)
}
