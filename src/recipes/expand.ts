import { generalId, profileId } from './id.ts'
import type { Metric, Profile, RecipeFacts } from './profile.ts'
import type { Recipe, RecipeProfile } from './schema.ts'

/**
 * A recipe's profiles, flat: one for every combination of an entry's gpu, count and metric, with what it inherits from `defaults` and the
 * checkpoint of its precision. An entry's argument or variable replaces the default of its name; null takes it away.
 */
export const expand = (recipe: Recipe, source: string): readonly Profile[] => {
  const facts = factsOf(recipe)
  return recipe.profiles.flatMap((entry) =>
    many(entry.gpu).flatMap((gpu) =>
      many(entry.count).flatMap((gpuCount) =>
        many(entry.metric).map((metric) => flatten(recipe, entry, { gpu, gpuCount, metric, source, facts })),
      ),
    ),
  )
}

const factsOf = ({ license, gated, task, sources, weights }: Recipe): RecipeFacts => ({
  ...(license === undefined ? {} : { license }),
  ...{ gated, task, sources, weights },
})

const many = <T>(value: T | T[]): readonly T[] => (Array.isArray(value) ? value : [value])

type Choice = {
  readonly gpu: string
  readonly gpuCount: number
  readonly metric: Metric
  readonly source: string
  readonly facts: RecipeFacts
}

const flatten = (recipe: Recipe, entry: RecipeProfile, { source, facts, ...choice }: Choice): Profile => {
  const { engine, precision, type, manualOnly } = entry
  const parts = { engine, precision, ...choice }
  const checkpoint = recipe.checkpoints[precision]
  const minimumEngine = entry.minimumEngine ?? recipe.defaults.minimumEngine
  return {
    ...parts,
    id: recipe.general ? generalId(parts) : profileId(parts),
    ...(recipe.model === undefined ? {} : { model: recipe.model }),
    ...(checkpoint === undefined || checkpoint === recipe.model ? {} : { checkpoint }),
    type,
    manualOnly,
    ...(minimumEngine === undefined ? {} : { minimumEngine }),
    arguments: withoutNull({ ...recipe.defaults.arguments, ...entry.arguments }),
    environment: { ...recipe.defaults.environment, ...entry.environment },
    resources: resourcesOf({ ...recipe.defaults.resources, ...entry.resources }),
    source,
    recipe: facts,
  }
}

const withoutNull = <T>(values: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))

const resourcesOf = ({ memory, shm, cpus }: Recipe['defaults']['resources']): Profile['resources'] => ({
  ...(memory === undefined ? {} : { memoryBytes: memory }),
  ...(shm === undefined ? {} : { shmBytes: shm }),
  ...(cpus === undefined ? {} : { cpus }),
})
