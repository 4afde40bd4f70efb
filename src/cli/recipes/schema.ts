/** `aim recipes schema`: the recipe format as a JSON Schema, for editors. */
import { recipeJsonSchema } from '../../recipes/json-schema.ts'
import { type Format, print } from '../output.ts'

/** Prints the schema that is checked in as recipes/recipe.schema.json. */
export const recipeSchemaCommand = async (format: Format): Promise<number> => {
  await print(format, recipeJsonSchema(), () => JSON.stringify(recipeJsonSchema(), undefined, 2))
  return 0
}
