import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { recipeJsonSchema } from '../../src/recipes/json-schema.ts'

test('recipes/recipe.schema.json is the format: npm run golden writes it again', () => {
  const written: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../recipes/recipe.schema.json'), 'utf8'))
  assert.deepEqual(written, JSON.parse(JSON.stringify(recipeJsonSchema())))
})
