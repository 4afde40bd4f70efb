import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe } from '../../src/model/describe.ts'
import { type Division, weightsPerGpu } from '../../src/model/weights-share.ts'
import { partOf, splitOf } from '../../src/model/weights-split.ts'
import { gib } from '../../src/std/bytes.ts'
import { deepseekV3, gptOss20b, llama8b, llama70b, qwen36 } from './configs.ts'

const alone: Division = {
  ...{ tensor: 1, pipeline: 1, data: 1, expertParallel: false, languageOnly: false, drafting: false, wholeSegments: false },
  expertPadding: [1, 1],
}

const gibOn = (config: unknown, given: Partial<Division> = {}): number => {
  const { shape } = describe(config, [])
  assert.ok(shape)
  return weightsPerGpu(shape.parts, shape.allocations, shape, { ...alone, ...given }) / gib(1)
}

const near = (value: number, wanted: number, tolerance: number, name: string) =>
  assert.ok(Math.abs(value / wanted - 1) < tolerance, `${name}: ${value} instead of ${wanted}`)

test('weights of one GPU are what was logged on CUDA', () => {
  near(gibOn(llama8b), 14.9889, 0.0001, 'Llama 3.1 8B')
  near(gibOn(gptOss20b, { expertPadding: [128, 256] }), 13.7, 0.02, 'gpt-oss 20b padded for Marlin')
  near(gibOn(gptOss20b, { expertPadding: [256, 256] }), 14.31, 0.02, 'gpt-oss 20b padded for ROCm')
})

test('tensor parallelism divides all but tables of positions and norms; stages divide the layers', () => {
  near(gibOn(llama70b, { tensor: 8 }), gibOn(llama70b) / 8, 0.005, 'by tensors')
  const staged = gibOn(llama70b, { pipeline: 2 })
  assert.ok(staged > 0.49 * gibOn(llama70b) && staged < 0.52 * gibOn(llama70b), String(staged))
})

test('whole experts over all ranks take as much as their parts do; data parallelism alone repeats them', () => {
  near(gibOn(deepseekV3, { tensor: 8, expertParallel: true }), gibOn(deepseekV3, { tensor: 8 }), 0.001, 'EP over TP')
  assert.ok(gibOn(deepseekV3, { data: 8, expertParallel: true }) < gibOn(deepseekV3, { data: 8 }) / 4)
  near(gibOn(deepseekV3, { data: 8 }), gibOn(deepseekV3), 0.0001, 'DP')
})

test('more GPUs never hold more', () => {
  for (const config of [llama8b, llama70b, deepseekV3, gptOss20b, qwen36]) {
    for (const expertPadding of [alone.expertPadding, [256, 256] as const]) {
      const sizes = [1, 2, 4, 8, 16].map((tensor) => gibOn(config, { tensor, expertPadding }))
      assert.deepEqual(
        sizes,
        sizes.toSorted((a, b) => b - a),
      )
    }
  }
})

test('draft layers are held only where they guess', () => {
  // Measured on Qwen3.8 27B, which has the same layers.
  near(gibOn(qwen36, { drafting: true }) - gibOn(qwen36), 0.79, 0.03, 'one MTP layer in 16 bits')
})

test('sizes of the files are shared out as the architecture has it', () => {
  const whole = describe(llama8b, [{ path: 'model.safetensors', bytes: 8_030_261_248 * 2 }])
  assert.equal(whole.shape?.source, 'files')
  const { parts, allocations } = whole.shape ?? { parts: [], allocations: [] }
  const bytes = weightsPerGpu(parts, allocations, whole.shape ?? { layers: 0, kvHeads: 1 }, alone)
  near(bytes / gib(1), gibOn(llama8b), 0.0002, 'files')
})

const names: readonly (readonly [string, string, string])[] = [
  ['model.layers.0.self_attn.q_proj.weight', 'layers', 'tensor'],
  ['model.layers.0.self_attn.k_proj.weight', 'layers', 'kv'],
  ['model.layers.0.self_attn.kv_a_proj_with_mqa.weight', 'layers', 'whole'],
  ['model.layers.0.self_attn.kv_b_proj.weight', 'layers', 'tensor'],
  ['model.layers.0.self_attn.indexer.wq_b.weight', 'layers', 'whole'],
  ['model.layers.0.mlp.gate.weight', 'layers', 'whole'],
  ['model.layers.0.mlp.gate_proj.weight', 'layers', 'tensor'],
  ['model.layers.0.mlp.experts.17.up_proj.weight', 'layers', 'expert'],
  ['model.layers.0.input_layernorm.weight', 'layers', 'whole'],
  ['model.layers.61.mlp.experts.0.up_proj.weight', 'draft', 'expert'],
  ['mtp.layers.0.self_attn.q_proj.weight', 'draft', 'tensor'],
  ['model.visual.blocks.0.attn.qkv.weight', 'tower', 'tensor'],
  ['vision_tower.layers.30.mlp.fc1.weight', 'tower', 'tensor'],
  ['model.embed_tokens.weight', 'first', 'vocabulary'],
  ['lm_head.weight', 'last', 'vocabulary'],
]

test("a tensor's name says what loads it and how it is divided", () => {
  for (const [name, part, split] of names) assert.deepEqual([partOf(name, 48), splitOf(name)], [part, split], name)
})
