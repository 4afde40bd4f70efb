/** What must hold in any world: worlds are drawn with a seed, which is printed and can be given again as AIM_TEST_SEED. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe } from '../../src/model/describe.ts'
import { metrics, type Profile, precisions, profileTypes } from '../../src/recipes/profile.ts'
import type { AvailableGpu, Question } from '../../src/recipes/question.ts'
import { isRefusal } from '../../src/recipes/refusal.ts'
import { select } from '../../src/recipes/select.ts'
import { deepseekV3 } from '../model/configs.ts'
import { generator } from '../random.ts'
import { facts8b, facts70b, general, kinds, model, profile, question } from './worlds.ts'

const worlds = 1500
const seed = Number(process.env.AIM_TEST_SEED ?? 20261123)

type Draw = {
  readonly pick: <T>(values: readonly T[]) => T
  readonly many: <T>(most: number, make: () => T) => readonly T[]
  readonly chance: (p: number) => boolean
}

const drawing = (random: () => number): Draw => ({
  pick: (values) => values[Math.floor(random() * values.length)] as (typeof values)[number],
  many: (most, make) => Array.from({ length: Math.floor(random() * (most + 1)) }, make),
  chance: (p) => random() < p,
})

const gpuKinds: readonly AvailableGpu[] = [
  ...Object.values(kinds),
  { product: 'MI325X', gfx: 'gfx942', vramBytes: 2.7e11 },
  // Half of a sibling's memory under the same name, memory nobody could read, and no name at all.
  { product: 'R9700', gfx: 'gfx1201', vramBytes: 8e9 },
  { product: 'MI300X', gfx: 'gfx942' },
  { vramBytes: 2e11 },
]

const drawProfile = ({ pick, chance }: Draw): Profile =>
  (chance(0.2) ? general : profile)({
    gpu: pick(['MI300X', 'MI325X', 'R9700', 'gfx942', 'gfx1201', 'MI210']),
    gpuCount: pick([1, 2, 4, 8]),
    precision: pick(precisions),
    metric: pick(metrics),
    type: pick(profileTypes),
    manualOnly: chance(0.1),
    source: pick(['a.yaml', 'b.yaml']),
    arguments: pick<Profile['arguments']>([
      ...[{}, { 'max-model-len': 32768 }, { 'max-model-len': 'auto' }],
      ...[{ 'enable-expert-parallel': true }, { 'pipeline-parallel-size': 2 }, { 'tensor-parallel-size': 1, 'pipeline-parallel-size': 2 }],
    ]),
    ...(chance(0.3) ? { checkpoint: 'amd/quantized' } : {}),
  })

/** A mixture of experts, and the same as a decoder of which no more is understood than its headers. */
const mixture = describe(deepseekV3, [{ path: 'model.safetensors', bytes: 6.9e11 }])
const bounded = describe(
  { ...deepseekV3, architectures: ['DeepseekV4ForCausalLM'] },
  [{ path: 'model.safetensors', bytes: 3e11 }],
  [
    { name: 'model.layers.0.mlp.experts.*.w1.weight', dtype: 'F8_E4M3', shape: [2048, 7168], copies: 256, bytes: 2.8e11 },
    { name: 'model.layers.0.attn.wkv.weight', dtype: 'BF16', shape: [512, 7168], copies: 1, bytes: 512 * 7168 * 2 },
    { name: 'model.layers.0.attn.something_new.weight', dtype: 'BF16', shape: [1e6, 10_000], copies: 1, bytes: 2e10 },
  ],
)

const drawQuestion = ({ pick, many, chance }: Draw): Question =>
  question({
    engine: pick(['vllm', 'simulator']),
    gpus: many(8, () => pick(gpuKinds)),
    count: pick(['auto', 'auto', 1, 2, 4, 8]),
    allowGeneral: chance(0.7),
    ...(chance(0.3) ? { precision: pick(precisions) } : {}),
    ...(chance(0.5) ? { metric: pick(metrics) } : {}),
    ...(chance(0.8)
      ? {
          facts: pick([facts8b, facts70b, { ...facts8b, weightsBytes: 8e11 }, { task: 'embed' as const }, mixture, bounded]),
          repository: pick([model, 'amd/quantized']),
        }
      : {}),
    ...(chance(0.2) ? { overrides: { 'max-model-len': pick([2048, 65536, 131072]) } } : {}),
  })

const finds = (asked: Question, catalog: readonly Profile[]): boolean => !isRefusal(select(asked, catalog))

const inWorlds = (check: (draw: Draw, asked: Question, catalog: readonly Profile[]) => void) => {
  const draw = drawing(generator(seed))
  for (let world = 0; world < worlds; world++)
    check(
      draw,
      drawQuestion(draw),
      draw.many(6, () => drawProfile(draw)),
    )
}

test('adding GPUs never turns a selection into a refusal', (t) => {
  t.diagnostic(`seed ${seed}`)
  let found = 0
  inWorlds(({ many, pick }, asked, catalog) => {
    if (!finds(asked, catalog)) return
    found++
    const more = { ...asked, gpus: [...asked.gpus, ...many(4, () => pick(gpuKinds))] }
    const before = { ...asked, gpus: [...many(4, () => pick(gpuKinds)), ...asked.gpus] }
    for (const larger of [more, before]) assert.ok(finds(larger, catalog), JSON.stringify({ seed, asked, gpus: larger.gpus, catalog }))
  })
  assert.ok(found > worlds / 6, `only ${found} worlds had a selection`)
})

/** Each makes a question stricter; a count of GPUs is stricter than auto, the CPU is another thing. */
const stricter: readonly ((draw: Draw, asked: Question) => Question)[] = [
  ({ pick }, asked) => ({ ...asked, precision: asked.precision ?? pick(precisions) }),
  ({ pick }, asked) => ({ ...asked, metric: asked.metric ?? pick(metrics) }),
  ({ pick }, asked) => ({ ...asked, count: asked.count === 'auto' ? pick([1, 2, 3, 4, 8]) : asked.count }),
  (_, asked) => ({ ...asked, allowGeneral: false }),
  ({ pick }, asked) => ({ ...asked, repository: asked.repository ?? pick([model, 'amd/quantized']) }),
]

test('a stricter constraint never finds a profile where the looser found none', (t) => {
  t.diagnostic(`seed ${seed}`)
  let refused = 0
  inWorlds((draw, asked, catalog) => {
    if (finds(asked, catalog)) return
    refused++
    for (const tighten of stricter) {
      const tighter = tighten(draw, asked)
      assert.ok(!finds(tighter, catalog), JSON.stringify({ seed, asked, tighter, catalog }))
    }
  })
  assert.ok(refused > worlds / 20, `only ${refused} worlds had a refusal`)
})

test('every answer accounts for every profile of the model, and every refusal says what to do', () => {
  inWorlds((_, asked, catalog) => {
    const answer = select(asked, catalog)
    const accounted = isRefusal(answer) ? answer.rejected.length : answer.rejected.length + 1
    assert.ok(accounted >= catalog.length)
    assert.ok(answer.rejected.every(({ reasons }) => reasons.length > 0))
    if (isRefusal(answer)) assert.ok(answer.fix.length > 0 && answer.message.length > 0)
  })
})
