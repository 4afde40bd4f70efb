/** What the `aim recipes` commands look at: this machine, or one that is imagined, and every profile. */
import type { Environment } from '../../config/parse.ts'
import type { Inventory } from '../../hardware/inventory.ts'
import { imagine } from '../../plan/imagine.ts'
import { questionOf } from '../../plan/question.ts'
import type { Profile } from '../../recipes/profile.ts'
import type { Question } from '../../recipes/question.ts'
import { flagRules } from '../../serve/flags.ts'
import { machineOf } from '../../serve/machine.ts'
import { requestFor } from '../../serve/prepare.ts'
import { loadRecipes } from '../../serve/recipes.ts'
import { overlay, readOptions, warn } from '../options.ts'

/** The options of these commands that change the question. */
export type RecipeFlags = {
  readonly gpuModel?: string
  readonly gpuCount?: string
  readonly gpu?: string
  readonly count?: string
  readonly precision?: string
  readonly metric?: string
  readonly root?: string
}

/**
 * The catalog, the machine, and how to ask about a model on it: as a start would, or (`askAny`) for whatever metric unless the command line
 * names one.
 */
export type RecipeScene = {
  readonly catalog: readonly Profile[]
  readonly inventory: Inventory
  readonly ask: (model: string) => Question
  readonly askAny: (model: string) => Question
}

/** Reads the catalog and the machine. */
export const recipeScene = async (flags: RecipeFlags): Promise<RecipeScene> => {
  const environment: Environment = overlay(undefined, flags, [])
  const options = readOptions(environment)
  const catalog = await loadRecipes(options.recipesPath, options.strict, warn)
  const engineVersion = flagRules(options).schema.version
  const requestOf = (model: string) => requestFor({ ...options, model, profileId: '' }, environment)
  const inventory = imagine(requestOf('any/model'), await machineOf(options, environment), catalog)
  const ask = (model: string): Question => {
    const asked = { engineVersion, ...questionOf(requestOf(model), inventory) }
    // With a product a count says what the machine has, and not what to use of it.
    return (flags.gpuModel ?? flags.gpu) === undefined ? asked : { ...asked, count: 'auto' as const }
  }
  const askAny = (model: string): Question => {
    const { metric: _, ...question } = ask(model)
    return flags.metric === undefined ? question : ask(model)
  }
  return { catalog, inventory, ask, askAny }
}
