import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Fields, languageFields } from '../../src/model/fields.ts'
import { architectureOf } from '../../src/model/structure.ts'
import { tensorsOf } from '../../src/model/tensors.ts'
import { parsePythonJson } from '../../src/std/python-json.ts'
import { deepseekV3, gptOss20b, llama8b, llama70b } from './configs.ts'

/** Elements by kind of part: the language model, what speculation adds, towers. */
const count = (config: Fields & { readonly architectures?: readonly string[] }) => {
  const architecture = architectureOf(config.architectures?.[0], config, languageFields(config))
  const sum = (wanted: RegExp) =>
    (architecture === undefined ? [] : tensorsOf(architecture))
      .filter(({ name }) => wanted.test(name))
      .reduce((total, { rows, columns, copies }) => total + rows * columns * copies, 0)
  return { text: sum(/^(?!mtp|visual)/), draft: sum(/^mtp/), tower: sum(/^visual/), known: architecture !== undefined }
}

test('parameters are those that the models publish', () => {
  const rows = [
    [llama8b, 8_030_261_248],
    [llama70b, 70_553_706_496],
    [deepseekV3, 671_026_419_200],
    [gptOss20b, 20_914_757_184],
  ] as const
  for (const [config, published] of rows) {
    const { text } = count(config)
    assert.ok(Math.abs(text / published - 1) < 0.001, `${config.architectures[0]}: ${text}`)
  }
})

test('an architecture with parts beyond these rules is not counted at all', () => {
  assert.equal(count({ ...llama8b, architectures: ['DeepseekV4ForCausalLM'] }).known, false)
  assert.equal(count({ architectures: ['LlamaForCausalLM'], hidden_size: 4096, num_hidden_layers: 32, vocab_size: 1 }).known, false)
})

const configs = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures/model-configs')

test('parameters of many more models agree with what was counted elsewhere within 0.1 %', (t) => {
  if (!existsSync(configs))
    return t.diagnostic(`no model configurations at ${configs}: this check did not run; AIM_SHARED names their folder`)
  let compared = 0
  for (const name of readdirSync(configs)) {
    const config = parsePythonJson(readFileSync(join(configs, name), 'utf8')) as Fields
    const wanted = config._text_params_computed
    const { text, known } = count(config)
    if (typeof wanted !== 'number' || !known) continue
    compared++
    assert.ok(Math.abs(text / wanted - 1) < 0.001, `${name}: ${text} instead of ${wanted}`)
  }
  assert.ok(compared > 100, `only ${compared} models were compared`)
})
