import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from '../../src/config/parse.ts'
import { requestOf } from '../../src/config/rooms.ts'
import { toEnv } from '../../src/config/to-env.ts'
import type { Options } from '../../src/config/variables.ts'
import { plan, repositoryFor } from '../../src/plan/plan.ts'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import { isRefusal } from '../../src/recipes/refusal.ts'
import { factsOf, models } from '../golden/plans.ts'
import { generator } from '../random.ts'
import { adapter, inventory, machineGpus, policy, source } from './worlds.ts'

const seed = Number(process.env.AIM_TEST_SEED ?? 20261124)
const { profiles } = await loadCatalog([join(import.meta.dirname, '../../recipes')])

const machines = [
  inventory(machineGpus('MI300X')),
  inventory(machineGpus('MI300X', 'MI300X', 'MI300X', 'MI300X', 'MI300X', 'MI300X', 'MI300X', 'MI300X')),
  inventory(machineGpus('MI355X', 'MI355X')),
  inventory(machineGpus('R9700', 'R9700', 'R9700', 'R9700')),
]

/** Values of the variables that a plan depends on. */
const samples = {
  gpuCount: ['auto', 1, 2, 4, 8],
  precision: ['auto', 'fp8', 'fp16', 'bf16', 'fp4'],
  metric: ['latency', 'throughput'],
  allowGeneral: [true, false],
  maxModelLength: [undefined, 8192],
  engineArguments: [{}, { 'max-num-seqs': 16, 'kv-cache-dtype': 'fp8' }, { 'enable-prefix-caching': false }],
  extraArguments: [[], ['--seed', '7'], ['--data-parallel-size', '2']],
  servedNames: [[], ['a', 'b c']],
  profileId: ['', 'vllm-mi300x-fp8-tp1-latency'],
} satisfies Partial<Record<keyof Options, readonly unknown[]>>

const noFile = () => ({ ok: false, code: 'ENOENT' }) as const

const planned = (options: Options, machine: (typeof machines)[number]) => {
  const request = requestOf(options)
  const repository = repositoryFor(request, machine, profiles)
  if (typeof repository !== 'string') return repository
  const facts = factsOf(repository)
  assert.ok(facts !== undefined, repository)
  return plan(request, machine, profiles, source({ id: repository, facts }), policy, adapter)
}

test('options that were written to an environment and read again plan the same', (t) => {
  t.diagnostic(`seed ${seed}`)
  const random = generator(seed)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const { options: usual } = parse({ AIM_MODEL_ID: 'a/b' }, noFile)
  let launched = 0
  for (let round = 0; round < 400; round++) {
    const drawn = Object.fromEntries(
      Object.entries(samples).map(([key, values]) => [key, random() < 0.4 ? pick<unknown>(values) : usual[key as keyof Options]]),
    )
    const options = { ...usual, ...drawn, model: pick(models) } as Options
    const machine = pick(machines)
    const { options: again, problems } = parse(toEnv(options), noFile)
    assert.deepEqual(problems, [])
    const launch = planned(options, machine)
    assert.deepEqual(planned(again, machine), launch, JSON.stringify({ seed, round, drawn }))
    launched += Number(!isRefusal(launch as object))
  }
  assert.ok(launched > 100, `${launched} launches`)
})
