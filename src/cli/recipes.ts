/** `aim recipes`: what can be served. */
import { loadRecipes } from '../serve/recipes.ts'
import { overlay, readOptions } from './options.ts'
import { type Format, print } from './output.ts'
import { formatTable } from './table.ts'

/** Prints every profile of the catalog, or those of one model. */
export const recipesCommand = async (model: string | undefined, format: Format): Promise<number> => {
  const options = readOptions(overlay(undefined, {}, []))
  const profiles = (await loadRecipes(options.recipesPath)).filter((profile) => model === undefined || profile.model === model)
  const rows = profiles.map(({ model: name = 'any', id, gpu, gpuCount, precision, metric, type }) => [
    name,
    id,
    `${gpuCount}x ${gpu}`,
    precision,
    metric,
    type,
  ])
  await print(format, profiles, () => formatTable(['MODEL', 'PROFILE', 'GPUS', 'PRECISION', 'METRIC', 'TYPE'], rows))
  return 0
}
