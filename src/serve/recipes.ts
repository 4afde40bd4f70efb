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

/** Where AMD's images keep profiles, and where their users mount their own. */
const amdPlace = '/workspace/aim-runtime/profiles'

const places = (own: string | undefined): readonly string[] => [
  ...(own === undefined ? [] : [own]),
  ...(existsSync(amdPlace) ? [amdPlace] : []),
  ours(),
]

/**
 * Every profile: those of the user's directory first, then those mounted where AMD's images have them, then ours. A broken file is a Failure
 * (78) that names every problem in it; `strict` false (AMD's way) goes on without it and hands the problems to `warn`.
 */
export const loadRecipes = async (
  own: string | undefined,
  strict = true,
  warn: (text: string) => void = () => undefined,
): Promise<readonly Profile[]> => {
  const { profiles, problems } = await loadCatalog(places(own))
  if (problems.length === 0) return profiles
  const text = problems.map(({ file, line, column, key, rule }) => `  ${file}:${line}:${column}: ${key} ${rule}`).join('\n')
  if (strict) {
    throw new Failure(`cannot use the recipes\n${text}`, {
      exitCode: exitCodes.config,
      fix: 'correct them, unset AIM_RECIPES_PATH, or set AIM_STRICT=false to go on without them',
    })
  }
  warn(`goes on without recipes that cannot be used (AIM_STRICT=false)\n${text}`)
  return profiles
}
