/** Edge: where the recipes of this installation lie. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadCatalog } from '../recipes/catalog.ts'
import type { Profile } from '../recipes/profile.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'

/** The bundle has a compiled index beside it; the sources have the recipes themselves at the top of the checkout. */
const ours = (): string => {
  const index = join(import.meta.dirname, 'recipes.json')
  return existsSync(index) ? index : join(import.meta.dirname, '../../recipes')
}

/** Every profile: those of the user's directory first, then ours. A broken recipe of the user's is a Failure (78) that names every problem in it. */
export const loadRecipes = async (own: string | undefined): Promise<readonly Profile[]> => {
  const { profiles, problems } = await loadCatalog(own === undefined ? [ours()] : [own, ours()])
  if (problems.length === 0) return profiles
  throw new Failure(
    `cannot use the recipes\n${problems.map(({ file, line, column, key, rule }) => `  ${file}:${line}:${column}: ${key} ${rule}`).join('\n')}`,
    {
      exitCode: exitCodes.config,
      fix: 'correct them, or unset AIM_RECIPES_PATH',
    },
  )
}
