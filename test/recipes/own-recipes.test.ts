/** The recipes of this repository. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkArguments } from '../../src/engine/flags.ts'
import { cardOf } from '../../src/hardware/cards.ts'
import { describe } from '../../src/model/describe.ts'
import type { ModelFacts } from '../../src/model/facts.ts'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import { failingsOf } from '../../src/recipes/hard-tests.ts'
import { isRefusal } from '../../src/recipes/refusal.ts'
import { select } from '../../src/recipes/select.ts'
import { schema } from '../engine/flag-rows.ts'
import { gpus, question } from './worlds.ts'

const root = join(import.meta.dirname, '../..')
const directory = join(root, 'recipes')
const { profiles, problems } = await loadCatalog([directory])
const shared = join(process.env.AIM_SHARED ?? join(root, '../shared'), 'fixtures/vllm/serve-flags-017e9f4.json')

test('every recipe is valid and lies at recipes/ORG/MODEL.yaml', () => {
  assert.deepEqual(problems, [])
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'))
  assert.deepEqual([...new Set(profiles.map(({ source }) => source))].sort(), files.map((name) => join(directory, name)).sort())
  for (const { model, source } of profiles) assert.equal(source, join(directory, `${model}.yaml`))
})

test('every model has a profile for MI300X, MI325X and MI355X in both metrics', () => {
  for (const [model, own] of Map.groupBy(profiles, ({ model }) => model)) {
    for (const gpu of ['MI300X', 'MI325X', 'MI355X']) {
      for (const metric of ['latency', 'throughput']) {
        assert.ok(
          own.some((profile) => profile.gpu === gpu && profile.metric === metric),
          `${model} ${gpu} ${metric}`,
        )
      }
    }
  }
})

test('every profile says how large its batches and its context may be', () => {
  for (const { id, model, arguments: args } of profiles) {
    for (const name of ['max-num-batched-tokens', 'max-num-seqs', 'max-model-len', 'gpu-memory-utilization']) {
      assert.equal(typeof args[name], 'number', `${model} ${id} ${name}`)
    }
  }
})

test('one MI300X, one MI355X and one R9700 get the profile that their recipe means for them', () => {
  const rows = [
    ['meta-llama/Llama-3.1-8B-Instruct', 'MI300X', 'vllm-mi300x-fp8-tp1-latency'],
    ['meta-llama/Llama-3.3-70B-Instruct', 'MI300X', 'vllm-mi300x-fp8-tp1-latency'],
    ['Qwen/Qwen3-32B', 'MI300X', 'vllm-mi300x-fp16-tp1-latency'],
    ['openai/gpt-oss-120b', 'MI300X', 'vllm-mi300x-fp4-tp1-latency'],
    ['mistralai/Mistral-Small-3.2-24B-Instruct-2506', 'MI300X', 'vllm-mi300x-fp16-tp1-latency'],
    ['openai/gpt-oss-120b', 'MI355X', 'vllm-mi355x-fp4-tp1-latency'],
    ['meta-llama/Llama-3.1-8B-Instruct', 'R9700', 'vllm-r9700-bf16-tp1-latency'],
    ['Qwen/Qwen2.5-VL-7B-Instruct', 'R9700', 'vllm-r9700-bf16-tp1-latency'],
  ] as const
  for (const [model, kind, id] of rows) {
    const answer = select(question({ model, gpus: gpus(kind, 1), metric: 'latency' }), profiles)
    assert.equal(isRefusal(answer) ? answer.message : answer.profile.id, id, `${model} ${kind}`)
  }
})

test('a machine that no profile is for gets a general one with the weights that its memory holds', () => {
  const rows = [
    // 67.7 GiB in fp8 where 131 GiB do not fit; the checkpoint is the recipe's.
    ['meta-llama/Llama-3.3-70B-Instruct', 'R9700', 4, 'general/vllm-r9700-fp8-tp4-latency', 'amd/Llama-3.3-70B-Instruct-FP8-KV'],
    ['Qwen/Qwen3-32B', 'R9700', 4, 'general/vllm-r9700-bf16-tp4-latency', undefined],
    ['Qwen/Qwen3-32B', 'MI210', 2, 'general/vllm-mi210-bf16-tp2-latency', undefined],
  ] as const
  for (const [model, kind, amount, id, checkpoint] of rows) {
    const answer = select(question({ model, gpus: gpus(kind, amount), metric: 'latency' }), profiles)
    assert.ok(!isRefusal(answer), isRefusal(answer) ? answer.message : '')
    assert.deepEqual([answer.profile.id, answer.profile.checkpoint], [id, checkpoint])
  }
})

test('weights that no checkpoint makes small enough are refused before the hub is asked', () => {
  const answer = select(question({ model: 'Qwen/Qwen3-32B', gpus: gpus('R9700', 1), metric: 'latency' }), profiles)
  assert.ok(isRefusal(answer))
  assert.match(answer.message, /32 GiB of weights on each GPU with 32 GiB/)
})

const configs = join(process.env.AIM_SHARED ?? join(root, '../shared'), 'fixtures/model-configs')

/** The facts of a repository's config.json, or of one with the same architecture, where the fixtures are. */
const factsOf = (repository: string): ModelFacts | undefined => {
  const path = join(configs, `${(twins[repository] ?? repository).replace('/', '__')}.json`)
  return existsSync(path) ? describe(JSON.parse(readFileSync(path, 'utf8')), []) : undefined
}

/** Repositories whose weights have the shapes of others. */
const twins: Readonly<Record<string, string>> = {
  'deepseek-ai/DeepSeek-R1-0528': 'deepseek-ai/DeepSeek-R1',
  'meta-llama/Llama-3.1-405B-Instruct': 'meta-llama/Meta-Llama-3.1-405B',
  'mistralai/Mixtral-8x7B-Instruct-v0.1': 'mistralai/Mixtral-8x7B-v0.1',
  'mistralai/Mixtral-8x22B-Instruct-v0.1': 'mistralai/Mixtral-8x22B-v0.1',
  'deepseek-ai/DeepSeek-R1-Distill-Qwen-32B': 'Qwen/Qwen2.5-32B-Instruct',
  'Qwen/Qwen3-VL-235B-A22B-Instruct-FP8': 'QuantTrio/Qwen3-VL-235B-A22B-Instruct-FP8',
  'Qwen/Qwen3.6-27B-FP8': 'vrfai/Qwen3.6-27B-FP8',
  'Qwen/Qwen3-235B-A22B-Instruct-2507': 'Qwen/Qwen3-235B-A22B',
  'Qwen/Qwen3-235B-A22B-Instruct-2507-FP8': 'Qwen/Qwen3-235B-A22B-FP8',
  'Qwen/Qwen3-Coder-30B-A3B-Instruct': 'Qwen/Qwen3-30B-A3B',
  'Qwen/Qwen3-Coder-30B-A3B-Instruct-FP8': 'Qwen/Qwen3-30B-A3B-FP8',
  'deepseek-ai/DeepSeek-V3.1': 'deepseek-ai/DeepSeek-V3',
  'amd/Llama-3.3-70B-Instruct-FP8-KV': 'RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic',
  'amd/Llama-3.1-8B-Instruct-FP8-KV': 'RedHatAI/Llama-3.1-8B-Instruct-FP8-block',
}

test('every profile fits the GPUs that it is for, by what its recipe says the weights take', () => {
  for (const profile of profiles) {
    const gpus = Array.from({ length: profile.gpuCount }, () => cardOf(profile.gpu) ?? {})
    const failings = failingsOf(profile, question({ model: profile.model ?? '', gpus, profileId: profile.id }))
    assert.notEqual(profile.recipe?.weights[profile.precision] ?? profile.recipe?.weights.bf16 ?? profile.recipe?.weights.fp16, undefined)
    assert.deepEqual(failings, [], `${profile.model} ${profile.id}`)
  }
})

test('every profile fits the GPUs that it is for by its config.json, whose weights are those of the recipe within 5 %', (t) => {
  if (!existsSync(configs)) return t.diagnostic(`no configurations at ${configs}: nothing was weighed; AIM_SHARED names its folder`)
  let weighed = 0
  for (const profile of profiles) {
    const facts = factsOf(profile.checkpoint ?? profile.model ?? '')
    if (facts === undefined) continue
    weighed++
    const [card] = Array.from({ length: profile.gpuCount }, () => cardOf(profile.gpu) ?? {})
    const asked = question({ gpus: Array.from({ length: profile.gpuCount }, () => card ?? {}), profileId: profile.id, facts })
    assert.deepEqual(failingsOf(profile, { ...asked, model: profile.model ?? '' }), [], `${profile.model} ${profile.id}`)
    const counted = (facts.shape?.parts ?? []).reduce((sum, { bytes }) => sum + bytes, 0)
    const { weights = {} } = profile.recipe ?? {}
    const said = weights[profile.precision] ?? weights.bf16 ?? weights.fp16 ?? 0
    assert.ok(Math.abs(said / counted - 1) < 0.05, `${profile.model} ${profile.precision}: ${said} said, ${counted} counted`)
  }
  t.diagnostic(`${weighed} of ${profiles.length} profiles weighed`)
  assert.ok(weighed > profiles.length / 2)
})

test('the catalog has what people run: all 13 models of AMD, and more than 20 in all', () => {
  const models = new Set(profiles.map(({ model }) => model ?? ''))
  const amd = [
    ...['CohereLabs/command-a-reasoning-08-2025', 'Qwen/Qwen3-235B-A22B', 'Qwen/Qwen3-32B', 'openai/gpt-oss-120b', 'openai/gpt-oss-20b'],
    ...['3.1-405B', '3.1-8B', '3.2-1B', '3.2-3B', '3.3-70B'].map((version) => `meta-llama/Llama-${version}-Instruct`),
    ...['Mixtral-8x7B-Instruct-v0.1', 'Mixtral-8x22B-Instruct-v0.1', 'Mistral-Small-3.2-24B-Instruct-2506'].map(
      (name) => `mistralai/${name}`,
    ),
  ]
  assert.deepEqual(
    amd.filter((model) => !models.has(model)),
    [],
  )
  assert.ok(models.size > 20)
})

test('every argument is taken by vLLM 0.32 as it stands', () => {
  for (const { id, model, arguments: args } of profiles) {
    const { arguments: checked, notes, problems } = checkArguments(schema, args)
    assert.deepEqual([problems, notes, checked], [[], [], args], `${model} ${id}`)
  }
})

type Action = { readonly flags: readonly string[]; readonly kind: string; readonly choices: readonly (string | number)[] | null }

test("every argument is in vLLM's own dump of its flags, with a choice that it offers", (t) => {
  if (!existsSync(shared))
    return t.diagnostic(`no dump of vLLM's flags at ${shared}: only our own list was checked; AIM_SHARED names its folder`)
  const { actions } = JSON.parse(readFileSync(shared, 'utf8')) as { actions: readonly Action[] }
  for (const { id, model, arguments: args } of profiles) {
    for (const [name, value] of Object.entries(args)) {
      const action = actions.find(({ flags }) => flags.includes(`--${name}`))
      assert.ok(action !== undefined, `${model} ${id}: --${name} is not in the dump`)
      assert.equal(typeof value === 'boolean', action.kind === 'BooleanOptionalAction', `${model} ${id}: --${name}`)
      if (action.choices !== null) assert.ok(action.choices.includes(value as string), `${model} ${id}: --${name} ${value}`)
    }
  }
})
