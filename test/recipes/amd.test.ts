import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { cardOf } from '../../src/hardware/cards.ts'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import { parseRecipe } from '../../src/recipes/parse.ts'
import { isRefusal } from '../../src/recipes/refusal.ts'
import { select } from '../../src/recipes/select.ts'
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
  ['no aim_id in a model profile', 'aim_id: a/m\n', '', /is missing/],
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
