/**
 * AMD's runtime 0.9 and ours over the same trees, machines and environments, from the variables on: the same file wherever it runs one, but
 * for the differences that README.md lists, each of which is counted.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parse } from '../../src/config/parse.ts'
import { requestOf } from '../../src/config/rooms.ts'
import { cardOf } from '../../src/hardware/cards.ts'
import { imagine } from '../../src/plan/imagine.ts'
import { plan, repositoryFor } from '../../src/plan/plan.ts'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import type { Profile } from '../../src/recipes/profile.ts'
import { isRefusal } from '../../src/recipes/refusal.ts'
import { adapter, inventory, policy } from '../plan/worlds.ts'
import { generator } from '../random.ts'
import { type AmdAnswer, type AmdFile, type AmdMachine, amdRuns, idOf } from './amd-runtime.ts'
import { filesOf, hasTree, type Mounted, unpackTree, withoutTree, writeOwnTree } from './amd-tree.ts'

type Environment = Readonly<Record<string, string>>
type World = { readonly environment: Environment; readonly machine: AmdMachine }

/** What is said in the variables, odd forms included; those of the second list AMD's runtime ignores with a warning. */
const values: Readonly<Record<string, readonly [good: readonly string[], ignored: readonly string[]]>> = {
  AIM_PRECISION: [['auto', 'fp16', 'FP16', 'fp8', 'fp4', 'bf16', 'int4', 'Auto', ''], ['fp9']],
  AIM_GPU_COUNT: [['auto', '1', '2', '4', '8', '3', '', ' 2 ', 'AUTO'], ['two']],
  AIM_GPU_MODEL: [['MI300X', 'mi300x', 'MI325X', 'MI355X', 'NONE', '', 'auto'], ['bogus']],
  AIM_ENGINE: [['vllm', 'auto', 'VLLM', ''], ['sglang']],
  AIM_METRIC: [['latency', 'throughput', 'auto', ''], ['speed']],
  AIM_ALLOW_GENERAL_PROFILE_FALLBACK: [['true', 'false', 'yes', 'no', '1', '0', 'TRUE', 'False', ''], ['maybe']],
}

const machines: readonly AmdMachine[] = [
  { amount: 0 },
  ...[1, 2, 3, 4, 8].flatMap((amount) => ['MI300X', 'MI325X', 'MI355X', 'MI250X'].map((gpu) => ({ gpu, amount }))),
]

const worldsOf = (tree: readonly AmdFile[], seed: number, amount: number): readonly World[] => {
  const random = generator(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const models = [...new Set(tree.flatMap(({ aim_id }) => aim_id ?? [])), 'nobody/knows']
  return Array.from({ length: amount }, () => {
    const model = pick(models)
    const own = tree.filter(({ aim_id }) => aim_id === undefined || aim_id === model).map(idOf)
    const said = Object.entries(values).flatMap(([name, [good, ignored]]) => {
      if (random() < 0.55) return []
      return [[name, pick(random() < 0.06 ? ignored : good)]]
    })
    const pinned = random() < 0.12 ? { AIM_PROFILE_ID: pick([...own, '', 'nobody']) } : {}
    const named = { [random() < 0.85 ? 'AIM_ID' : 'AIM_MODEL_ID']: model }
    return { environment: { ...named, ...Object.fromEntries(said), ...pinned }, machine: pick(machines) }
  })
}

const machineOf = ({ gpu = '', amount }: AmdMachine) =>
  inventory(Array.from({ length: amount }, (_, index) => ({ index, node: index + 1, ...cardOf(gpu) })))

/** What ours would run: a file of the tree, a profile of our own, or a refusal in words. */
type Ours = { readonly file?: string; readonly own?: Profile; readonly refusal?: string }

const oursIn = ({ environment, machine }: World, strict: boolean, root: string, catalog: readonly Profile[]): Ours => {
  const { options, problems } = parse({ ...environment, AIM_STRICT: String(strict) }, () => ({ ok: false, code: 'ENOENT' }))
  const told = problems.filter(({ severity }) => severity === 'problem')
  if (told.length > 0) return { refusal: `variables: ${told.map(({ key }) => key).join()}` }
  const request = requestOf(options)
  const here = imagine(request, machineOf(machine), catalog)
  const repository = repositoryFor(request, here, catalog)
  if (typeof repository !== 'string') return { refusal: repository.message }
  const source = { id: repository, path: repository, facts: { task: 'generate' } as const }
  const launch = plan(request, here, catalog, source, policy, adapter)
  if (isRefusal(launch)) return { refusal: launch.message }
  const { profile } = launch
  return profile.amd === undefined ? { own: profile } : { file: profile.source.slice(root.length + 1) }
}

/** The rules by which ours may differ, in the README's words, and when each holds. */
const differences: Readonly<Record<string, (world: World, theirs: AmdFile, ours: Ours) => boolean>> = {
  'a pinned profile is held to the hardware': ({ environment }, _, { refusal = '' }) =>
    Boolean(environment.AIM_PROFILE_ID) && /: it (?:is for|needs \d+ GPU|uses \d+ GPUs?;)/.test(refusal),
  'a pinned profile is held to what else was asked for, when strict': ({ environment }, _, { refusal = '' }) =>
    Boolean(environment.AIM_PROFILE_ID) &&
    environment.AIM_STRICT !== 'false' &&
    /(?:it is \w+; \w+ was|it uses .*) asked for/.test(refusal),
  'a count beyond what is there is refused': ({ environment, machine }, _, { refusal = '' }) =>
    Number(environment.AIM_GPU_COUNT) > machine.amount && /GPUs? asked for|needs \d+ GPUs/.test(refusal),
  'AIM_MODEL_ID finds custom and model profiles too': ({ environment }, { aim_id }, { file = '' }) =>
    Boolean(environment.AIM_MODEL_ID) && aim_id === undefined && file.includes(`${environment.AIM_MODEL_ID}/`),
  "the model's own on some of the GPUs before a general one on all": ({ environment, machine }, theirs, { file = '' }) =>
    !/^\s*\d/.test(environment.AIM_GPU_COUNT ?? '') &&
    theirs.path.startsWith('general/') &&
    !file.includes('general/') &&
    machine.amount > 1,
}

const ignoredIn = (environment: Environment): readonly string[] =>
  Object.entries(values).flatMap(([name, [, ignored]]) => (ignored.includes(environment[name] ?? '') ? [name] : []))

const recipes = (await loadCatalog([join(import.meta.dirname, '../../recipes')])).profiles

/** Ours stands for AMD's where that is not, and is looked at less where it is. */
const trees: readonly (readonly [whose: string, mount: (at: string) => Mounted, share: number])[] = [
  ['a tree of our own', writeOwnTree, hasTree ? 0.25 : 1],
  ["AMD's tree", unpackTree, Number(hasTree)],
]

for (const [whose, mount, share] of trees) {
  for (const [how, at, behind, environments] of [
    ['as custom', 'custom', [], 1100],
    ['as it is', '', [], 600],
    ['as custom before our recipes', 'custom', recipes, 200],
    ['as it is before our recipes', '', recipes, 200],
  ] as const) {
    const amount = environments * share
    describe(`${whose}, mounted ${how}`, { skip: share > 0 ? false : withoutTree }, () => {
      let [mounted, root, tree, catalog]: [Mounted | undefined, string, readonly AmdFile[], readonly Profile[]] = [undefined, '', [], []]
      before(async () => {
        mounted = mount(at)
        root = mounted.profiles
        tree = filesOf(root)
        const { profiles, problems } = await loadCatalog([root])
        assert.deepEqual([problems, profiles.length], [[], tree.length])
        catalog = [...profiles, ...behind]
      })
      after(() => mounted?.remove())

      for (const strict of [true, false]) {
        test(`gives AMD's winner in ${amount} environments, ${strict ? 'strict' : 'under AIM_STRICT=false'}`, { timeout: 600_000 }, (t) => {
          const counts: Record<string, number> = {}
          const seen = (what: string) => (counts[what] = (counts[what] ?? 0) + 1)
          for (const world of worldsOf(tree, strict ? 1 : 2, amount)) {
            const theirs: AmdAnswer = amdRuns(tree, world.environment, world.machine)
            const ours = oursIn(world, strict, root, catalog)
            const ignored = ignoredIn(world.environment)
            if (strict && ignored.length > 0) {
              assert.equal(ours.refusal, `variables: ${ignored.join()}`, JSON.stringify(world))
              seen('told instead of ignored')
            } else if ('none' in theirs) seen(ours.refusal === undefined ? 'only ours' : 'neither')
            else if (ours.file === theirs.file) seen('same')
            else {
              const file = tree.find(({ path }) => path === theirs.file)
              const asked = { ...world, environment: { ...world.environment, AIM_STRICT: String(strict) } }
              const [rule] = Object.entries(differences).find(([, holds]) => file !== undefined && holds(asked, file, ours)) ?? []
              assert.ok(rule !== undefined, JSON.stringify({ world, theirs, ours }))
              seen(rule)
            }
          }
          t.diagnostic(JSON.stringify(counts))
          assert.ok((counts.same ?? 0) > amount / 6, JSON.stringify(counts))
        })
      }
    })
  }
}
