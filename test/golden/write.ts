/** Writes the golden table and the schema of recipes again: `npm run golden`. What changed is to be read before it is committed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { recipeJsonSchema } from '../../src/recipes/json-schema.ts'
import { planTable } from './plans.ts'

writeFileSync(join(import.meta.dirname, 'plans.txt'), await planTable())
writeFileSync(join(import.meta.dirname, '../../recipes/recipe.schema.json'), `${JSON.stringify(recipeJsonSchema(), undefined, 2)}\n`)
