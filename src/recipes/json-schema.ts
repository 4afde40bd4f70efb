import { toJSONSchema } from 'zod'
import { recipeSchema } from './schema.ts'

/** The recipe format as JSON Schema (2020-12), as a file is written: amounts with their units, defaults left out. */
export const recipeJsonSchema = (): object => ({ title: 'AIM Engine recipe', ...toJSONSchema(recipeSchema, { io: 'input' }) })
