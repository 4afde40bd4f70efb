import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cardNamed } from '../../src/hardware/card-names.ts'
import { describe } from '../../src/model/describe.ts'
import type { Verdict } from '../../src/model/fit.ts'
import { requantized } from '../../src/model/requantize.ts'
import { type FitQuestion, fitReport } from '../../src/recipes/fit-report.ts'
import { deepseekV3, gemma4of31b, gptOss20b, llama8b, llama70b } from '../model/configs.ts'

type Asked = Partial<Omit<FitQuestion, 'card'>> & { readonly gpu: string; readonly config: unknown }

const report = ({ gpu, config, ...rest }: Asked) => {
  const card = cardNamed(gpu)
  assert.ok(card !== undefined, gpu)
  const answer = fitReport({ model: 'm', facts: describe(config, []), card, gpuCount: 1, arguments: {}, ...rest })
  assert.ok(answer !== undefined)
  return answer
}

const length = (tokens: number) => ({ 'max-model-len': tokens })

const rows: readonly (readonly [string, Asked, Verdict])[] = [
  ['8B in 16 bits on an R9700, 32K', { config: llama8b, gpu: 'R9700', arguments: length(32768) }, 'fits'],
  ['8B in 16 bits on an R9700, 128K', { config: llama8b, gpu: 'R9700' }, 'no'],
  ['70B in 16 bits on an H100', { config: llama70b, gpu: 'NVIDIA H100 80GB HBM3' }, 'no'],
  ['70B in 16 bits on an MI355X', { config: llama70b, gpu: 'MI355X', arguments: length(32768) }, 'fits'],
  ['DeepSeek V3 on 8 MI300X', { config: deepseekV3, gpu: 'MI300X', gpuCount: 8 }, 'fits'],
  ['DeepSeek V3 on 2 MI300X', { config: deepseekV3, gpu: 'MI300X', gpuCount: 2 }, 'no'],
  ['DeepSeek V3 on 8 MI250X, which have no fp8', { config: deepseekV3, gpu: 'MI250X', gpuCount: 8 }, 'no'],
  ['gpt-oss-20b on one R9700, 32K', { config: gptOss20b, gpu: 'AMD Radeon AI PRO R9700', arguments: length(32768) }, 'fits'],
  ['Gemma 4 31B on one RX 7900 XTX', { config: gemma4of31b, gpu: 'Radeon RX 7900 XTX', arguments: length(8192) }, 'no'],
]

test('fitReport() answers by the GPU that was named', () => {
  for (const [name, asked, verdict] of rows) assert.equal(report(asked).fit.verdict, verdict, name)
})

test('what would change it is better than what is, and really gives what it says', () => {
  const asked = { config: llama8b, gpu: 'R9700' }
  const { changes } = report(asked)
  const [shorter, more, narrow] = ['--max-model-len', '--count 2', '--kv-cache-dtype fp8'].map((words) =>
    changes.find((change) => change.words.startsWith(words)),
  )
  assert.equal(shorter?.verdict, 'fits')
  assert.equal(report({ ...asked, arguments: length(Number(shorter?.words.split(' ')[1])) }).fit.verdict, 'fits')
  assert.equal(more?.verdict, report({ ...asked, gpuCount: 2 }).fit.verdict)
  assert.equal(narrow?.kvBytes, report({ ...asked, arguments: { 'kv-cache-dtype': 'fp8' } }).fit.kvBytes)
})

test('8-bit weights are proposed where the model has 16 and the GPU computes in 8', () => {
  const converted = describe(requantized(llama70b, 'fp8'), [])
  const proposes = (gpu: string) => report({ config: llama70b, gpu, converted }).changes.some(({ words }) => words === '--quantization fp8')
  assert.deepEqual([proposes('MI300X'), proposes('MI250X')], [true, false])
})

test('heads that do not divide and GPUs that are not there are obstacles, whatever the memory', () => {
  const uneven = report({ config: llama8b, gpu: 'MI300X', gpuCount: 3 })
  assert.equal(uneven.fit.verdict, 'no')
  assert.match(uneven.obstacles.join(), /over 3 GPUs does not divide 32 attention heads/)
  const wide = report({ config: llama8b, gpu: 'MI300X', gpuCount: 2, arguments: { 'tensor-parallel-size': 4 } })
  assert.match(wide.obstacles.join(), /use 4 GPUs .*there are 2/)
})

test('the roofline reads the active weights once for each token, and says nothing where nothing runs', () => {
  const rate = report({ config: llama8b, gpu: 'MI300X', arguments: length(8192) }).tokensPerSecond ?? 0
  // 15 GB of weights without the table that is only looked up, 5.3 TB/s.
  assert.ok(rate > 330 && rate < 370, String(rate))
  assert.equal(report({ config: llama70b, gpu: 'R9700' }).tokensPerSecond, undefined)
})
