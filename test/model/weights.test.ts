import assert from 'node:assert/strict'
import { test } from 'node:test'
import { weightsBytesOf } from '../../src/model/weights.ts'

const files = (...entries: readonly (readonly [string, number])[]) => entries.map(([path, bytes]) => ({ path, bytes }))

const rows: readonly (readonly [string, ReturnType<typeof files>, number | undefined])[] = [
  ['shards', files(['model-00001-of-00002.safetensors', 10], ['model-00002-of-00002.safetensors', 5], ['config.json', 99]), 15],
  ['a consolidated copy', files(['model.safetensors', 10], ['consolidated.safetensors', 10]), 10],
  ['only the consolidated form', files(['consolidated.safetensors', 10], ['params.json', 1]), 10],
  ['an original beside it', files(['model.safetensors', 10], ['original/consolidated.00.pth', 10], ['original/model.safetensors', 10]), 10],
  ['.bin beside safetensors', files(['model.safetensors', 10], ['pytorch_model.bin', 11]), 10],
  ['.bin alone', files(['pytorch_model.bin', 11], ['training_args.bin', 3]), 11],
  ['.pt alone', files(['model.pt', 7], ['optimizer.pt', 70]), 7],
  ['no weights', files(['config.json', 1]), undefined],
]

test('weightsBytesOf() counts what vLLM loads and no copy of it', () => {
  for (const [name, list, bytes] of rows) assert.equal(weightsBytesOf(list), bytes, name)
})
