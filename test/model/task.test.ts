import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Task } from '../../src/model/facts.ts'
import { taskOf } from '../../src/model/task.ts'

const rows: readonly (readonly [string | undefined, Record<string, unknown>, readonly string[], Task])[] = [
  ['LlamaForCausalLM', {}, [], 'generate'],
  ['Mistral3ForConditionalGeneration', {}, [], 'generate'],
  ['WhisperForConditionalGeneration', {}, [], 'transcribe'],
  ['BertModel', {}, [], 'embed'],
  ['XLMRobertaModel', {}, [], 'embed'],
  ['BertForSequenceClassification', { id2label: { 0: 'a', 1: 'b' } }, [], 'classify'],
  ['BertForTokenClassification', {}, [], 'classify'],
  ['XLMRobertaForSequenceClassification', { id2label: { 0: 'LABEL_0' } }, [], 'score'],
  ['Qwen3ForSequenceClassification', { num_labels: 1 }, [], 'score'],
  ['Qwen2ForRewardModel', {}, [], 'embed'],
  ['Qwen3ForCausalLM', {}, ['config.json', '1_Pooling/config.json'], 'embed'],
  ['Qwen3ForCausalLM', {}, ['modules.json'], 'embed'],
  ['NobodyKnowsThis', {}, [], 'generate'],
  [undefined, {}, [], 'generate'],
]

test('taskOf() follows the architecture, the number of labels and the marks of Sentence Transformers', () => {
  for (const [architecture, config, paths, task] of rows) assert.equal(taskOf(architecture, config, paths), task, String(architecture))
})
