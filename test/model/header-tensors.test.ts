import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe } from '../../src/model/describe.ts'
import type { Fields } from '../../src/model/fields.ts'
import { languageFields } from '../../src/model/fields.ts'
import { fit } from '../../src/model/fit.ts'
import { formatsOf } from '../../src/model/formats.ts'
import { headerLimits } from '../../src/model/header-limits.ts'
import { heldTensors } from '../../src/model/header-tensors.ts'
import type { Spread } from '../../src/model/overhead-table.ts'
import { architectureOf } from '../../src/model/structure.ts'
import { tensorsOf } from '../../src/model/tensors.ts'
import { boundedWeights, type Division, weightsPerGpu } from '../../src/model/weights-share.ts'
import type { StoredTensor } from '../../src/std/safetensors.ts'
import { generator } from '../random.ts'
import { deepseekV3, gemma4of31b, gptOss20b, llama8b, llama70b, qwen36 } from './configs.ts'

/** A checkpoint of a configuration: the tensors of its architecture in the formats that it declares. */
const checkpoint = (config: Fields & { readonly architectures: readonly string[] }): readonly StoredTensor[] => {
  const language = languageFields(config)
  const architecture = architectureOf(config.architectures[0], config, language)
  assert.ok(architecture)
  const formatOf = formatsOf(config, language)
  return tensorsOf(architecture).map(({ name, rows, columns, copies }) => {
    const { element, row } = formatOf(name)
    return { name: `${name}.weight`, dtype: 'BF16', shape: [rows, columns], copies, bytes: copies * rows * (columns * element + row) }
  })
}

const alone: Division = {
  ...{ tensor: 1, pipeline: 1, data: 1, expertParallel: false, languageOnly: false, drafting: false, wholeSegments: false },
  expertPadding: [1, 1],
}

const divisions: readonly Partial<Division>[] = [
  {},
  { tensor: 8 },
  { tensor: 2, pipeline: 4 },
  { data: 8, expertParallel: true },
  { tensor: 4, data: 2, expertParallel: true },
  { languageOnly: true, drafting: true },
]

test('headers and architecture give the same weights of one GPU, however the work is divided', () => {
  for (const config of [llama8b, llama70b, qwen36, gemma4of31b, deepseekV3, gptOss20b]) {
    const [counted, read] = [describe(config, []).shape, describe(config, [], checkpoint(config)).shape]
    assert.ok(counted && read)
    assert.deepEqual([counted.source, read.source], ['architecture', 'headers'])
    for (const division of divisions) {
      const bytes: readonly number[] = [counted, read].map((shape) => weightsPerGpu(shape.parts, [], shape, { ...alone, ...division }))
      assert.ok(Math.abs((bytes[1] ?? 0) / (bytes[0] ?? 1) - 1) < 1e-9, `${config.architectures[0]} ${JSON.stringify(division)}: ${bytes}`)
    }
  }
})

test('what a checkpoint keeps in 16 bits beside its quantized layers is counted as it is stored', () => {
  const stored = checkpoint(deepseekV3).map((one) =>
    one.name.includes('.layers.7.self_attn.o_proj') ? { ...one, bytes: 2 * 7168 * 16384 } : one,
  )
  const weights = (tensors: readonly StoredTensor[]) =>
    fit(describe(deepseekV3, [], tensors), { vramBytes: 2e11, tensor: 8 })?.weightsBytesPerGpu ?? 0
  const wider = weights(stored) - weights(checkpoint(deepseekV3))
  assert.ok(Math.abs(wider / (((2 - 1 - 4 / 128 ** 2) * 7168 * 16384) / 8) - 1) < 1e-6, String(wider))
})

const one = (name: string, dtype: string, ...shape: number[]): StoredTensor => ({
  ...{ name, dtype, shape, copies: 1 },
  bytes: shape.reduce((product, size) => product * size, dtype === 'F32' ? 4 : 2),
})

const rows: readonly (readonly [
  string,
  readonly StoredTensor[],
  Parameters<typeof heldTensors>[1],
  readonly (readonly [string, number])[],
])[] = [
  ['a head that is the embedding', [one('lm_head.weight', 'BF16', 64, 2)], { tied: true }, []],
  ['a head of its own', [one('lm_head.weight', 'BF16', 64, 2)], { tied: false }, [['lm_head.weight', 256]]],
  [
    'a vocabulary that is no multiple of 64',
    [one('model.embed_tokens.weight', 'BF16', 65, 2)],
    { tied: false },
    [['model.embed_tokens.weight', 128 * 4]],
  ],
  ['buffers that engines make themselves', [one('model.layers.0.self_attn.rotary_emb.inv_freq', 'F32', 64)], { tied: false }, []],
  [
    'a 32-bit matrix in a model of 16',
    [one('a.down_proj.weight', 'F32', 4, 4)],
    { tied: false, dtype: 'bfloat16' },
    [['a.down_proj.weight', 32]],
  ],
  ['a 32-bit model', [one('a.down_proj.weight', 'F32', 4, 4)], { tied: false, dtype: 'float32' }, [['a.down_proj.weight', 64]]],
  [
    'scales in 32 bits',
    [one('a.down_proj.weight_scale_inv', 'F32', 4, 4)],
    { tied: false, dtype: 'bfloat16' },
    [['a.down_proj.weight_scale_inv', 64]],
  ],
  [
    'keys that are the values too',
    [one('l.self_attn.k_proj.weight', 'BF16', 4, 4)],
    { tied: false },
    [
      ['l.self_attn.k_proj.weight', 32],
      ['l.self_attn.v_proj.weight', 32],
    ],
  ],
]

test('what an engine holds of a stored tensor', () => {
  for (const [name, stored, holding, held] of rows)
    assert.deepEqual(
      heldTensors(stored, holding).map(({ name: own, bytes }) => [own, bytes]),
      held,
      name,
    )
})

/** DeepSeek V4 Flash in small: two layers with the names of its own files, 8 experts. */
const beyond = {
  ...{ architectures: ['DeepseekV4ForCausalLM'], num_hidden_layers: 2, hidden_size: 4096, num_attention_heads: 64, num_key_value_heads: 1 },
  ...{ vocab_size: 1280, max_position_embeddings: 1048576, torch_dtype: 'bfloat16' },
}
const ofBeyond: readonly StoredTensor[] = [0, 1].flatMap((layer) => [
  one(`layers.${layer}.attn.wq_a.weight`, 'BF16', 1024, 4096),
  one(`layers.${layer}.attn.wkv.weight`, 'BF16', 512, 4096),
  one(`layers.${layer}.attn.wo_b.weight`, 'BF16', 4096, 8192),
  one(`layers.${layer}.attn.something_new.weight`, 'BF16', 4096, 4096),
  { name: `layers.${layer}.ffn.experts.*.w1.weight`, dtype: 'BF16', shape: [2048, 4096], copies: 8, bytes: 8 * 2048 * 4096 * 2 },
])
const files = [{ path: 'model.safetensors', bytes: ofBeyond.reduce((sum, { bytes }) => sum + bytes, 0) }]

test('a decoder that is not understood is bounded: the weights between an even part and what nobody knows to be divided, a token by its projections', () => {
  const facts = describe(beyond, files, ofBeyond)
  assert.equal(facts.shape, undefined)
  const answer = fit(facts, { vramBytes: 2e11, tensor: 8 })
  // Whole on every GPU: wq_a and wkv by no rule of a name known to be divided; what is new, too.
  const [certain, all] = [2 * 2 * (4096 * 8192 + 8 * 2048 * 4096), files[0]?.bytes ?? 0]
  const inMib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`
  // ROCm's libraries keep 0.07 GiB beside them.
  const [least, most] = [all / 8, all - certain + certain / 8].map((bytes) => inMib(bytes + 0.07 * 2 ** 30))
  assert.deepEqual(answer?.unknown, [
    `DeepseekV4ForCausalLM is not understood, so these are bounds: its weights are ${inMib(all)} by their files' headers, each GPU takes ${least} to ${most} for them`,
    // Two layers of 512 elements in 16 bits.
    "a token takes at most 2.0 KiB of each GPU's KV cache, by the widths of the key, value and latent projections, and may take less: all 1048576 tokens of its context fit",
  ])
  assert.equal(answer?.verdict, 'likely', 'never more than likely, whatever is left')
  assert.equal(fit(facts, { vramBytes: 1.5e9, tensor: 1 })?.verdict, 'no')
})

test('a state of a size that nobody knows is said to be left out', () => {
  const facts = describe(beyond, files, [...ofBeyond, one('layers.0.attn.A_log', 'F32', 96)])
  assert.match(
    fit(facts, { vramBytes: 2e11, tensor: 8 })?.unknown.join() ?? '',
    / fit, but for a state that some layers keep of each request, of a size that is not known/,
  )
})

test('of a decoder that is understood only headers that are quickly read are worth it, of any other all', () => {
  assert.deepEqual(headerLimits(llama8b, 'here'), { shards: 64, bytes: 256 * 1024 })
  assert.deepEqual(headerLimits(llama8b, 'hub'), { shards: 64, bytes: 4 * 2 ** 20 })
  for (const config of [beyond, undefined])
    assert.deepEqual(headerLimits(config, 'here'), { shards: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY })
})

/** Of a decoder drawn at random, by names that are known and names that are not. */
const drawn = (random: () => number): readonly StoredTensor[] => {
  const pick = (values: readonly number[]) => values[Math.floor(random() * values.length)] ?? 1
  const layers = pick([1, 3, 8])
  const width = pick([64, 512, 2048])
  const names = ['attn.wkv', 'self_attn.k_proj', 'self_attn.o_proj', 'mlp.down_proj', 'mlp.mystery', 'ffn.experts.*.w1', 'mixer.A_log']
  const chosen = names.filter(() => random() < 0.6)
  return [
    one('embed.weight', 'BF16', pick([100, 32_000]), width),
    ...Array.from({ length: layers }, (_, layer) =>
      chosen.map((name) => {
        const copies = name.includes('*') ? pick([4, 7, 64]) : 1
        return { ...one(`layers.${layer}.${name}.weight`, 'BF16', pick([32, 256, 4096]), width), copies }
      }),
    ).flat(),
  ].map((tensor) => ({ ...tensor, bytes: tensor.bytes * tensor.copies }))
}

const seed = Number(process.env.AIM_TEST_SEED ?? 20261128)

test('bounds hold in any world: least, middle and most in this order, never more on more GPUs, never more than likely', (t) => {
  t.diagnostic(`seed ${seed}`)
  const random = generator(seed)
  let likely = 0
  for (let world = 0; world < 400; world++) {
    const stored = drawn(random)
    const whole = stored.reduce((sum, { bytes }) => sum + bytes, 0)
    const facts = describe({ architectures: ['KimiK3ForConditionalGeneration'] }, [{ path: 'model.safetensors', bytes: whole }], stored)
    const { bounds } = facts
    assert.ok(bounds)
    for (const other of divisions) {
      const spreadOf = (by: number): Spread => boundedWeights(bounds, { ...alone, ...other, tensor: by * (other.tensor ?? 1) })
      const [few, many] = [spreadOf(1), spreadOf(2)]
      const said = JSON.stringify({ seed, world, other, few, many })
      assert.ok(few.low <= few.median * (1 + 1e-9) && few.median <= few.high * (1 + 1e-9), said)
      if (Object.keys(other).length === 0) assert.equal(few.low, few.high, said)
      for (const which of ['low', 'median', 'high'] as const) assert.ok(many[which] <= few[which] * (1 + 1e-9), said)
    }
    const answers = [1, 2, 4, 8].map((tensor) => fit(facts, { vramBytes: 6e9, tensor, batchedTokens: 512, sequences: 16 })?.verdict)
    likely += answers.filter((verdict) => verdict === 'likely').length
    assert.ok(!answers.includes('fits') && answers.lastIndexOf('no') < (answers.indexOf('likely') + 5) % 5, `${answers}`)
  }
  assert.ok(likely > 0, 'no world had one that is likely')
})

test('what an architecture tells lies within the bounds of its headers, whatever the division', () => {
  for (const config of [llama8b, llama70b, qwen36, deepseekV3]) {
    const { shape } = describe(config, [])
    const { bounds } = describe({ ...config, architectures: ['DeepseekV4ForCausalLM'] }, [], checkpoint(config))
    assert.ok(shape && bounds)
    for (const division of [...divisions, { pipeline: 8 }, { tensor: 16 }]) {
      const own = weightsPerGpu(shape.parts, [], shape, { ...alone, ...division })
      const { low, high } = boundedWeights(bounds, { ...alone, ...division })
      // Tables and copies in 16 bits that an engine makes beside the checkpoint are in no header.
      const made: number = shape.parts
        .filter(({ part, split }) => part === 'layers' && split === 'whole')
        .reduce((sum, { bytes }) => sum + bytes, 0)
      assert.ok(low <= own && own <= 1.05 * high + made, `${config.architectures[0]} ${JSON.stringify(division)}: ${low} ${own} ${high}`)
    }
  }
})
