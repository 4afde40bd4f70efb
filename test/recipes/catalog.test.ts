import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import { compile, readIndex } from '../../src/recipes/index-file.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { Failure } from '../../src/std/failure.ts'
import { general, profile } from './worlds.ts'

const recipe = (model: string) =>
  `{ model: ${model}, sources: [here], profiles: [{ gpu: MI300X, count: 1, precision: fp8, metric: latency, type: preview }] }`

const withTree = async (files: Readonly<Record<string, string>>, work: (root: string) => Promise<void>) => {
  const root = await mkdtemp(join(tmpdir(), 'aim-recipes-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  await work(root).finally(() => rm(root, { recursive: true }))
}

test('loadCatalog() reads directories in their order, files in the order of their paths', async () => {
  const files = { 'a/z/m.yaml': recipe('z/m'), 'a/b/m.yml': recipe('b/m'), 'b/b/m.yaml': recipe('b/m'), 'a/README.md': 'not a recipe' }
  await withTree(files, async (root) => {
    const { profiles, problems } = await loadCatalog([join(root, 'b'), join(root, 'a')])
    assert.deepEqual(problems, [])
    assert.deepEqual(
      profiles.map(({ source }) => source.slice(root.length + 1)),
      ['b/b/m.yaml', 'a/b/m.yml', 'a/z/m.yaml'],
    )
  })
})

test('loadCatalog() reads a mounted ConfigMap once', async () => {
  await withTree({ '..2026_11_23/m.yaml': recipe('a/m') }, async (root) => {
    await symlink('..2026_11_23', join(root, '..data'))
    await symlink('..data/m.yaml', join(root, 'm.yaml'))
    assert.deepEqual(
      (await loadCatalog([root])).profiles.map(({ source }) => source),
      [join(root, 'm.yaml')],
    )
  })
})

test('a bad file is a problem with its place, and the others still count', async () => {
  await withTree({ 'good.yaml': recipe('a/m'), 'bad.yaml': 'model: 1' }, async (root) => {
    const { profiles, problems } = await loadCatalog([root])
    assert.equal(profiles.length, 1)
    assert.ok(problems.some(({ file, line }) => file === join(root, 'bad.yaml') && line === 1))
  })
})

test('a directory that is not there is bad configuration', async () => {
  await assert.rejects(loadCatalog(['/nowhere/at/all']), (error) => {
    assert.ok(error instanceof Failure)
    assert.equal(error.exitCode, exitCodes.config)
    assert.match(error.message, /\/nowhere\/at\/all: ENOENT/)
    return true
  })
})

test('an index gives back what was compiled, and can stand among directories', async () => {
  const profiles = [profile({ arguments: { a: [1, { b: null }] } }), profile({ gpuCount: 8 })]
  assert.deepEqual(readIndex(compile({ profiles })), profiles)
  await withTree({ 'index.jsonl': compile({ profiles }), 'mine/m.yaml': recipe('a/m') }, async (root) => {
    const catalog = await loadCatalog([join(root, 'mine'), join(root, 'index.jsonl')])
    assert.deepEqual(
      catalog.profiles.map(({ model }) => model),
      ['a/m', profiles[0]?.model, profiles[1]?.model],
    )
  })
})

test('an index gives for one model its own profiles and those that serve any', () => {
  const profiles = [profile(), profile({ model: 'a/other', source: 'recipes/b.yaml' }), general({ source: 'recipes/c.yaml' })]
  assert.deepEqual(readIndex(compile({ profiles }), profiles[0]?.model), [profiles[0], profiles[2]])
})

test('what a recipe says of its model as a whole survives compiling', () => {
  const recipe = { license: 'mit', gated: true, task: 'embed', sources: ['a log'], weights: { fp8: 7 } } as const
  const profiles = [profile({ recipe }), profile({ recipe, gpuCount: 2, minimumEngine: '0.19.1' })]
  assert.deepEqual(readIndex(compile({ profiles })), profiles)
})

test('an index of another version, or none at all, is refused', () => {
  for (const text of ['', '[]', '{"version":1}', '{"version":2}\n{"shared":{}}']) assert.throws(() => readIndex(text), Failure)
})
