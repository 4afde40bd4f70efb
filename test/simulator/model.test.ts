import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ModelWishes, missingModel, readModel, type Task, taskOf } from '../../src/simulator/model.ts'

const wishes: ModelWishes = { maxModelLen: undefined, pooling: false, allowLongLength: false }

const tasks: readonly (readonly [string, boolean, Task])[] = [
  ['LlamaForCausalLM', false, 'generate'],
  ['Qwen2VLForConditionalGeneration', false, 'generate'],
  ['LlamaForCausalLM', true, 'embed'],
  ['BertModel', false, 'embed'],
  ['XLMRobertaModel', false, 'embed'],
  ['NomicBertModel', false, 'embed'],
  ['BertForSequenceClassification', false, 'classify'],
  ['Qwen2ForRewardModel', false, 'classify'],
]

const config = (more: object): string => JSON.stringify({ architectures: ['LlamaForCausalLM'], ...more })

const read: readonly (readonly [string, string, ModelWishes, number])[] = [
  ['the length of its config', config({ max_position_embeddings: 4096 }), wishes, 4096],
  ['the length of its text_config', config({ text_config: { max_position_embeddings: 512 } }), wishes, 512],
  ['2048 without any', config({}), wishes, 2048],
  ['a shorter one when told', config({ max_position_embeddings: 4096 }), { ...wishes, maxModelLen: 100 }, 100],
  ['a longer one when that is allowed', config({ n_positions: 64 }), { ...wishes, maxModelLen: 100, allowLongLength: true }, 100],
]

const refused: readonly (readonly [string, string, ModelWishes, RegExp])[] = [
  ['broken JSON', '{', wishes, /It looks like the config file at '\/m\/config.json' is not a valid JSON file\.$/],
  ['no object', '[]', wishes, /not a valid JSON file/],
  ['no architecture', '{}', wishes, /No model architectures/],
  [
    'too long a length',
    config({ n_positions: 64 }),
    { ...wishes, maxModelLen: 100 },
    /User-specified max_model_len \(100\) is greater than the derived max_model_len \(.*64/,
  ],
]

describe('a model', () => {
  for (const [architecture, pooling, task] of tasks)
    it(`taskOf() takes ${architecture}${pooling ? ' with a pooling runner' : ''} for ${task}`, () =>
      assert.equal(taskOf(architecture, pooling), task))
  for (const [what, text, wish, length] of read)
    it(`readModel() takes ${what}`, () => {
      const reading = readModel(text, '/m', wish)
      assert.ok(reading.ok)
      assert.equal(reading.model.maxLength, length)
    })
  for (const [what, text, wish, error] of refused)
    it(`readModel() refuses ${what} in vLLM's words`, () => {
      const reading = readModel(text, '/m', wish)
      assert.ok(!reading.ok)
      assert.match(reading.error, error)
    })
  it('missingModel() tells an id from a path', () => {
    assert.match(missingModel('org/name'), /LocalEntryNotFoundError: .*outgoing traffic has been disabled/)
    assert.match(missingModel('/not/there'), /Invalid repository ID or local directory specified: '\/not\/there'/)
  })
})
