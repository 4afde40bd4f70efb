import { generalId, profileId } from './id.ts'
import type { Metric, Profile } from './profile.ts'
import type { Recipe, RecipeProfile } from './schema.ts'

/**
 * A recipe's profiles, flat: one for every combination of an entry's gpu, count and metric, with what it inherits from `defaults` and the
 * checkpoint of its precision. An entry's argument or variable replaces the default of its name; null takes it away.
 */
export const expand = (recipe: Recipe, source: string): readonly Profile[] =>
  recipe.profiles.flatMap((entry) =>
    many(entry.gpu).flatMap((gpu) =>
      many(entry.count).flatMap((gpuCount) =>
        many(entry.metric).map((metric) => flatten(recipe, entry, { gpu, gpuCount, metric, source })),
      ),
    ),
  )

const many = <T>(value: T | T[]): readonly T[] => (Array.isArray(value) ? value : [value])

type Choice = { readonly gpu: string; readonly gpuCount: number; readonly metric: Metric; readonly source: string }

const flatten = (recipe: Recipe, entry: RecipeProfile, { source, ...choice }: Choice): Profile => {
  const { engine, precision, type, manualOnly } = entry
  const parts = { engine, precision, ...choice }
  const checkpoint = recipe.checkpoints[precision]
  return {
    ...parts,
    id: recipe.general ? generalId(parts) : profileId(parts),
    ...(recipe.model === undefined ? {} : { model: recipe.model }),
    ...(checkpoint === undefined || checkpoint === recipe.model ? {} : { checkpoint }),
    type,
    manualOnly,
    arguments: withoutNull({ ...recipe.defaults.arguments, ...entry.arguments }),
    environment: { ...recipe.defaults.environment, ...entry.environment },
    resources: resourcesOf({ ...recipe.defaults.resources, ...entry.resources }),
    source,
  }
}

const withoutNull = <T>(values: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))

const resourcesOf = ({ memory, shm, cpus }: Recipe['defaults']['resources']): Profile['resources'] => ({
  ...(memory === undefined ? {} : { memoryBytes: memory }),
  ...(shm === undefined ? {} : { shmBytes: shm }),
  ...(cpus === undefined ? {} : { cpus }),
})
