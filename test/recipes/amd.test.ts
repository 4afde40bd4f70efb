import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { cardOf } from '../../src/hardware/cards.ts'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import { parseRecipe } from '../../src/recipes/parse.ts'
import { type Metric, type Precision, type Profile, precisions } from '../../src/recipes/profile.ts'
import { isRefusal } from '../../src/recipes/refusal.ts'
import { select } from '../../src/recipes/select.ts'
import { amdWinner, type Environment, hasTree, type Seen, unpackTree, withoutTree } from './amd-tree.ts'
import { question } from './worlds.ts'

const file = (given: string = '') => `aim_id: a/m
model_id: a/m-fp8
metadata: { engine: vllm, gpu: MI300X, gpu_count: 2, manual_selection_only: false, metric: latency, precision: fp8, type: optimized }
engine_args:
  enable-auto-tool-choice: null
  no-enable-prefix-caching: null
  enable-log-requests: false
  distributed_executor_backend: mp
  no-trust-remote-code: false
  compilation-config: { cudagraph_mode: FULL }
env_vars: { NCCL_MIN_NCHANNELS: '112' }
${given}`

const read = (text: string, path: string) => parseRecipe(text, path, '/root')

test('a file of AMD gives the profile it means: null is the bare flag, no-x is false, false is said aloud', () => {
  const { profiles, problems } = read(file(), '/root/a/m/vllm-mi300x-fp8-tp2-latency.yaml')
  assert.deepEqual(problems, [])
  assert.deepEqual(profiles[0]?.arguments, {
    'enable-auto-tool-choice': true,
    'enable-prefix-caching': false,
    'enable-log-requests': false,
    'distributed-executor-backend': 'mp',
    'compilation-config': { cudagraph_mode: 'FULL' },
  })
  assert.deepEqual([profiles[0]?.model, profiles[0]?.checkpoint], ['a/m', 'a/m-fp8'])
})

test('ids follow from the path, in the four forms of AIM_PROFILE_ID', () => {
  const rows = [
    ['/p/a/m/x.yaml', 'x'],
    ['/p/general/x.yaml', 'general/x'],
    ['/p/custom/a/m/x.yaml', 'custom/a/m/x'],
    ['/p/custom/general/x.yaml', 'custom/general/x'],
  ] as const
  for (const [path, id] of rows) assert.equal(read(file(), path).profiles[0]?.id, id)
})

test('a profile of a tree that is mounted as a whole is also found under the custom name', () => {
  const catalog = read(file(), '/mine/a/m/x.yaml').profiles
  const here = question({ model: 'a/m', gpus: [cardOf('MI300X') ?? {}, cardOf('MI300X') ?? {}] })
  for (const profileId of ['x', 'custom/a/m/x', 'custom/a/m/x.yaml']) {
    const answer = select({ ...here, profileId }, catalog)
    assert.ok(!isRefusal(answer), profileId)
  }
  const bare = select({ ...here, profileId: 'a/m/x' }, catalog)
  assert.ok(isRefusal(bare) && /nearest/.test(bare.fix))
})

test("YAML is Python's 1.1 in these files: on and no are booleans", () => {
  const { profiles } = read(file().replace('enable-log-requests: false', 'enable-log-requests: off'), '/root/a/m/x.yaml')
  assert.equal(profiles[0]?.arguments['enable-log-requests'], false)
})

const broken: readonly (readonly [claim: string, from: string, to: string, said: RegExp])[] = [
  ['a number as a variable', "'112'", '112', /put it in quotes/],
  ['an engine that nobody has', 'engine: vllm', 'engine: tgi', /vllm/],
  ['no aim_id in a model profile', 'aim_id: a/m\n', '', /expected string/],
  ['a precision that does not exist', 'precision: fp8', 'precision: fp6', /fp4/],
]
for (const [claim, from, to, said] of broken) {
  test(`${claim} is a problem with its place`, () => {
    const { profiles, problems } = read(file().replace(from, to), '/root/a/m/x.yaml')
    assert.deepEqual(profiles, [])
    assert.match(problems[0]?.rule ?? '', said)
    assert.ok((problems[0]?.line ?? 0) > 0 && (problems[0]?.column ?? 0) > 0)
  })
}

const seen = (profile: Profile): Seen => ({
  id: profile.id,
  priority: { custom: 1, model: 2, general: 3 }[profile.amd?.tree ?? 'model'],
  aimId: profile.model,
  ...{ gpu: profile.gpu, count: profile.gpuCount, precision: profile.precision, metric: profile.metric, type: profile.type },
  manual: profile.manualOnly,
})

const environmentsOf = (models: readonly string[]): readonly Environment[] =>
  models.flatMap((aimId) =>
    ['MI250X', 'MI300X', 'MI325X'].flatMap((gpu) =>
      [1, 2, 3, 8].flatMap((detected) =>
        (['auto', 1, 2, 4, 8] as const).flatMap((count) =>
          ['auto', 'fp16', 'fp8', 'fp4'].flatMap((precision) =>
            ['latency', 'throughput'].flatMap((metric) =>
              [true, false].map((fallback) => ({ aimId, gpu, detected, count, precision, metric, fallback })),
            ),
          ),
        ),
      ),
    ),
  )

const ours = (environment: Environment, catalog: readonly Profile[]): Profile | undefined => {
  const { aimId, gpu, detected, count, precision, metric, fallback } = environment
  const answer = select(
    question({
      model: aimId,
      gpus: Array.from({ length: detected }, () => cardOf(gpu) ?? {}),
      count,
      metric: metric as Metric,
      allowGeneral: fallback,
      ...(precision === 'auto' ? {} : { precision: precisions.find((name) => name === precision) as Precision }),
    }),
    catalog,
  )
  return isRefusal(answer) ? undefined : answer.profile
}

/** Where we differ on purpose: AMD knows profiles for exactly the GPUs that are there, we prefer the model's own on some of them. */
const usesFewer = (ours: Profile | undefined, theirs: string, { detected, count }: Environment): boolean =>
  count === 'auto' && ours?.model !== undefined && ours.gpuCount < detected && theirs.startsWith('general/')

const own = (await loadCatalog([join(import.meta.dirname, '../../recipes')])).profiles

for (const [claim, at, behind] of [
  ['as it is', '', []],
  ['as custom', 'custom', []],
  ['as it is before our recipes', '', own],
  ['as custom before our recipes', 'custom', own],
] as const) {
  test(`AMD's tree, mounted ${claim}, gives AMD's winner wherever AMD has one and the GPUs are there`, { timeout: 300_000 }, async (t) => {
    if (!hasTree) return t.diagnostic(withoutTree)
    const { profiles: root, remove } = unpackTree(at)
    const { profiles, problems } = await loadCatalog([root]).finally(remove)
    assert.deepEqual(problems, [])
    assert.equal(profiles.length, 170)
    const catalog = [...profiles, ...behind]
    const second = profiles.map(seen)
    const models = [...new Set(profiles.flatMap(({ model }) => model ?? [])), 'nobody/knows']
    // With ours behind them a third of the environments: enough of each kind, at a third of the time.
    const grid = environmentsOf(models).filter((_, at) => behind.length === 0 || at % 3 === 0)
    const counts = { same: 0, 'more than there are': 0, 'at most what is there': 0, 'only ours': 0 }
    for (const environment of grid) {
      const theirs = amdWinner(second, environment)
      const answer = ours(environment, catalog)
      if (environment.count !== 'auto' && environment.count > environment.detected) {
        // AMD believes a count beyond what is there; we do not.
        assert.equal(answer, undefined, JSON.stringify(environment))
        if (theirs !== undefined) counts['more than there are']++
      } else if (theirs === undefined) counts['only ours'] += Number(answer !== undefined)
      else if (at === '' && usesFewer(answer, theirs, environment)) counts['at most what is there']++
      else {
        // A recipe of ours may have the same id: it must be AMD's.
        assert.deepEqual([answer?.id, answer?.amd !== undefined], [theirs, true], JSON.stringify(environment))
        counts.same++
      }
    }
    t.diagnostic(`${grid.length} environments, winners: ${JSON.stringify(counts)}`)
    assert.ok(grid.length >= 2000 && counts.same >= 400)
  })
}

test('a bad file among good ones is named and the others still count', async () => {
  const root = mkdtempSync(join(tmpdir(), 'aim-amd-'))
  const files = { 'custom/a/m/good.yaml': file(), 'custom/a/m/bad.yaml': file().replace('fp8,', 'fp6,') }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  const { profiles, problems } = await loadCatalog([root])
  rmSync(root, { recursive: true })
  assert.deepEqual(
    profiles.map(({ id }) => id),
    ['custom/a/m/good'],
  )
  assert.match(problems[0]?.file ?? '', /bad\.yaml$/)
})
