import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRecipe } from '../../src/recipes/parse.ts'
import { schema } from '../engine/flag-rows.ts'

const recipe = `
model: org/name
sources: [measured here]
checkpoints: { fp8: amd/name-FP8 }
defaults:
  arguments: { max-num-seqs: 64, enable-prefix-caching: false, seed: 1 }
  environment: { VLLM_ROCM_USE_AITER: 1 }
  resources: { memory: 64 GiB, cpus: 4 }
profiles:
  - gpu: [MI300X, MI325X]
    count: [1, 2]
    precision: fp8
    metric: [latency, throughput]
    type: optimized
    arguments: { max-num-seqs: 128, seed: null }
    environment: { A: b }
    resources: { shm: 1.5GiB }
  - { gpu: CPU, count: 0, precision: bf16, metric: latency, type: unoptimized, manualOnly: true }
`

const problemsOf = (text: string) => parseRecipe(text, 'recipes/org/name.yaml').problems

test('a recipe expands to one flat profile for every GPU, count and metric', () => {
  const { profiles, problems } = parseRecipe(recipe, 'recipes/org/name.yaml')
  assert.deepEqual(problems, [])
  assert.equal(profiles.length, 9)
  assert.deepEqual(profiles[0], {
    id: 'vllm-mi300x-fp8-tp1-latency',
    model: 'org/name',
    checkpoint: 'amd/name-FP8',
    engine: 'vllm',
    gpu: 'MI300X',
    gpuCount: 1,
    precision: 'fp8',
    metric: 'latency',
    type: 'optimized',
    manualOnly: false,
    arguments: { 'max-num-seqs': 128, 'enable-prefix-caching': false },
    environment: { VLLM_ROCM_USE_AITER: '1', A: 'b' },
    resources: { memoryBytes: 64 * 2 ** 30, shmBytes: 1.5 * 2 ** 30, cpus: 4 },
    source: 'recipes/org/name.yaml',
    recipe: { gated: false, task: 'generate', sources: ['measured here'], weights: {} },
  })
})

test('a profile whose precision has no checkpoint loads the model itself', () => {
  const cpu = parseRecipe(recipe, 'x').profiles.at(-1)
  assert.equal(cpu?.id, 'vllm-cpu-bf16-tp1-latency')
  assert.equal(cpu?.manualOnly, true)
  assert.equal(cpu !== undefined && 'checkpoint' in cpu, false)
})

test('a recipe without a model is general when it says so', () => {
  const text = recipe.replace('model: org/name', 'general: true')
  const [first] = parseRecipe(text, 'x').profiles
  assert.equal(first?.id, 'general/vllm-mi300x-fp8-tp1-latency')
  assert.equal(first !== undefined && 'model' in first, false)
  assert.match(problemsOf(recipe.replace('model: org/name', ''))[0]?.rule ?? '', /must name its model/)
})

/** One line changed, and the problem it makes: where, about what, saying what. */
const rows: readonly (readonly [string, string, string, number, number, string, RegExp])[] = [
  ['an unknown key', 'sources:', 'source:', 3, 1, 'source', /is not a key of the recipe format/],
  ['an unknown key inside', 'manualOnly: true', 'manualonly: true', 18, 80, 'profiles[1].manualonly', /is not a key/],
  ['a flag of another spelling', 'max-num-seqs: 64', 'max_num_seqs: 64', 6, 16, 'defaults.arguments.max_num_seqs', /must be a long flag/],
  ['a flag with dashes', 'max-num-seqs: 64', '--max-num-seqs: 64', 6, 16, 'defaults.arguments.--max-num-seqs', /without its dashes/],
  ['what the plan decides', 'seed: 1 }', 'port: 1 }', 6, 64, 'defaults.arguments.port', /has no place in a recipe: AIM_PORT decides it/],
  ['a secret', 'seed: 1 }', 'api-key: k }', 6, 64, 'defaults.arguments.api-key', /a recipe holds no secret/],
  ['a variable that is no text', 'A: b', 'A: true', 16, 23, 'profiles[0].environment.A', /put it in quotes/],
  ['an unknown precision', 'precision: bf16', 'precision: fp5', 18, 38, 'profiles[1].precision', /fp4/],
  ['an unknown metric in a list', '[latency, throughput]', '[latency, speed]', 13, 23, 'profiles[0].metric[1]', /latency/],
  ['a checkpoint of no precision', '{ fp8: amd/name-FP8 }', '{ fp9: amd/name-FP8 }', 4, 14, 'checkpoints', /must be keyed by precision/],
  ['an amount without a unit', '64 GiB', '64', 8, 24, 'defaults.resources.memory', /^must be a text$/],
  ['an amount in words', '64 GiB', 'much', 8, 24, 'defaults.resources.memory', /such as 16 GiB/],
  ['no source', '[measured here]', '[]', 3, 10, 'sources', /must say where the numbers come from/],
  ['a missing key', 'precision: fp8\n', '\n', 10, 5, 'profiles[0].precision', /fp4/],
  ['a missing metric', 'metric: latency, ', '', 18, 5, 'profiles[1].metric', /one of latency, throughput/],
  ['words for a number', 'count: 0', 'count: none', 18, 24, 'profiles[1].count', /^must be a number$/],
  ['YAML that is none', 'sources: [measured here]', 'sources: [measured here', 4, 1, '', /./],
]

for (const [name, from, to, line, column, key, rule] of rows) {
  test(`a problem says line and column: ${name}`, () => {
    assert.ok(recipe.includes(from))
    const problems = problemsOf(recipe.replace(from, to))
    const problem = problems.find((one) => one.key === key) ?? problems[0]
    assert.deepEqual({ line: problem?.line, column: problem?.column, key: problem?.key }, { line, column, key })
    assert.match(problem?.rule ?? '', rule)
    assert.equal(problem?.file, 'recipes/org/name.yaml')
  })
}

test('all problems are reported at once, and none of the profiles', () => {
  const { profiles, problems } = parseRecipe(recipe.replace('sources:', 'source:').replace('bf16', 'fp5').replace('A: b', 'A: true'), 'x')
  assert.equal(profiles.length, 0)
  assert.ok(problems.length >= 4)
})

test('an unknown key near a known one names it', () => {
  assert.equal(problemsOf(recipe.replace('sources:', 'source:')).find(({ key }) => key === 'source')?.fix, 'did you mean sources?')
})

test('problems stand in the order of the file, each value with the nearest that is one', () => {
  const problems = problemsOf(recipe.replace('model: org/name', 'modell: org/name').replace('type: optimized', 'type: optimised'))
  assert.deepEqual(
    problems.map(({ line, fix }) => [line, fix]),
    [
      [2, 'did you mean model?'],
      [14, 'did you mean optimized?'],
    ],
  )
})

/** An argument, and what is said of it when it is held against the engine's flags. */
const arguable: readonly (readonly [text: string, said: RegExp | undefined])[] = [
  ['max-num-seqs: 128', undefined],
  ['swap-space: 4', undefined],
  ['compilation-config: { mode: 3 }', undefined],
  ['max-num-seqz: 128', /is no flag of vllm 0\.32\.0; did you mean --max-num-seqs\?/],
  ['dtype: bfloat61', /^must be one of auto, .*did you mean bfloat16\?/],
  ['max-num-seqs: many', /^must be a whole number, not "many"$/],
]
for (const [text, said] of arguable) {
  test(`held against the engine's flags, ${text} ${said === undefined ? 'is taken' : 'is a problem with its place'}`, () => {
    const own = recipe.replace('arguments: { max-num-seqs: 128, seed: null }', `arguments: { ${text} }`)
    const amd = `aim_id: a/m\nmodel_id: a/m\nmetadata: { engine: vllm, gpu: MI300X, gpu_count: 1, manual_selection_only: false, metric: latency,
  precision: fp8, type: general }\nenv_vars: {}\nengine_args: { ${text}, enable-chunked-prefill: null }\n`
    for (const [written, key, line, column] of [
      [own, 'profiles[0].arguments', 15, 18],
      [amd, 'engine_args', 6, 16],
    ] as const) {
      const { problems, profiles } = parseRecipe(written, 'recipes/org/name.yaml', 'recipes', schema)
      assert.equal(profiles.length === 0, said !== undefined)
      if (said === undefined) assert.deepEqual(problems, [])
      else assert.deepEqual([problems[0]?.key, problems[0]?.line, problems[0]?.column], [`${key}.${text.split(':')[0]}`, line, column])
      assert.match(problems[0]?.rule ?? '', said ?? /^$/)
    }
  })
}

test('a profile for a newer engine is not held against the flags of this one', () => {
  const text = recipe.replace('type: optimized', 'type: optimized\n    minimumEngine: "0.40"').replace('seed: null', 'flag-to-come: 1')
  assert.deepEqual(parseRecipe(text, 'x', 'x', schema).problems, [])
})

test('a profile described twice is a problem', () => {
  assert.match(problemsOf(recipe.replace('count: [1, 2]', 'count: [1, 1]'))[0]?.rule ?? '', /describes vllm-mi300x-fp8-tp1-latency twice/)
})
