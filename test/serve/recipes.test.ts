import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { compile } from '../../src/recipes/index-file.ts'
import { ownRecipes } from '../../src/serve/recipes.ts'
import { profile } from '../recipes/worlds.ts'

let root: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'aim-index-'))
})
after(() => rmSync(root, { recursive: true }))

/** An installation: a bundle with an index (unless `index` is absent) and recipes beside it, each of an age in seconds. */
const installation = (name: string, index: number | undefined, recipes: Readonly<Record<string, number>>): string => {
  const file = (path: string, text: string, age: number) => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    const when = Date.now() / 1000 - age
    utimesSync(path, when, when)
  }
  mkdirSync(join(root, name, 'dist'), { recursive: true })
  if (index !== undefined) file(join(root, name, 'dist/recipes.jsonl'), compile({ profiles: [profile()] }), index)
  for (const [path, age] of Object.entries(recipes)) file(join(root, name, 'recipes', path), '', age)
  return join(root, name, 'dist')
}

const rows: readonly (readonly [claim: string, index: number, recipes: Readonly<Record<string, number>>, taken: string])[] = [
  ['no recipes beside it: the index', 60, {}, 'dist/recipes.jsonl'],
  ['recipes that are older: the index', 60, { 'a/m.yaml': 100, 'b/m.yaml': 61 }, 'dist/recipes.jsonl'],
  ['one that is younger: the files', 60, { 'a/m.yaml': 100, 'b/m.yaml': 10 }, 'recipes'],
  ['a younger file that is no recipe: the index', 60, { 'a/m.yaml': 100, 'recipe.schema.json': 10 }, 'dist/recipes.jsonl'],
]
for (const [claim, index, recipes, taken] of rows) {
  test(`a bundle with an index and ${claim}`, () => {
    const name = claim.replaceAll(/\W+/g, '-')
    assert.equal(ownRecipes(installation(name, index, recipes)), join(root, name, taken))
  })
}

test('a recipe that is a link counts by the age of what it names, as mounted ones are', () => {
  const here = installation('linked', 60, { 'a/old.yaml': 100 })
  writeFileSync(join(root, 'young.yaml'), '')
  symlinkSync(join(root, 'young.yaml'), join(root, 'linked/recipes/a/m.yaml'))
  assert.equal(ownRecipes(here), join(root, 'linked/recipes'))
})

test('sources without an index have their recipes at the top of the checkout', () => {
  assert.equal(ownRecipes('/checkout/src/serve'), '/checkout/recipes')
  assert.equal(ownRecipes(), join(import.meta.dirname, '../../recipes'))
})
