/** Edge: where the recipes of this installation lie. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { loadCatalog } from '../recipes/catalog.ts'
import type { Profile } from '../recipes/profile.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'

/**
 * Where the recipes of this installation lie: the bundle has a compiled index beside it, which counts as long as no recipe beside the bundle is younger; the sources have the recipes
 * themselves at the top of the checkout.
 */
export const ownRecipes = (here = import.meta.dirname): string => {
  const index = join(here, 'recipes.jsonl')
  if (!existsSync(index)) return join(here, '../../recipes')
  const files = join(here, '../recipes')
  return isYounger(files, index) ? files : index
}

const isYounger = (files: string, index: string): boolean => {
  if (!existsSync(files)) return false
  const { mtimeMs } = statSync(index)
  return readdirSync(files, { recursive: true, encoding: 'utf8' }).some(
    (name) => name.endsWith('.yaml') && statSync(join(files, name)).mtimeMs > mtimeMs,
  )
}

/** Where AMD's images keep profiles, and where their users mount their own. */
const amdPlace = '/workspace/aim-runtime/profiles'

const places = (own: string | undefined): readonly string[] => [
  ...(own === undefined ? [] : [own]),
  ...(existsSync(amdPlace) ? [amdPlace] : []),
  ownRecipes(),
]

/**
 * Every profile: those of the user's directory first, then those mounted where AMD's images have them, then ours. A broken file is a Failure
 * (78) that names every problem in it; `strict` false (AMD's way) goes on without it and hands the problems to `warn`. With a
 * `model`, ours may lack those that cannot serve it.
 */
export const loadRecipes = async (
  own: string | undefined,
  strict = true,
  warn: (text: string) => void = () => undefined,
  model?: string,
): Promise<readonly Profile[]> => {
  const { profiles, problems } = await loadCatalog(places(own), model)
  if (problems.length === 0) return profiles
  const text = problems
    .map(({ file, line, column, key, rule }) => `  ${file}:${line}:${column}: ${key === '' ? '' : `${key} `}${rule}`)
    .join('\n')
  if (strict) {
    throw new Failure(`cannot use the recipes\n${text}`, {
      exitCode: exitCodes.config,
      fix: 'correct them, unset AIM_RECIPES_PATH, or set AIM_STRICT=false to go on without them',
    })
  }
  warn(`goes on without recipes that cannot be used (AIM_STRICT=false)\n${text}`)
  return profiles
}
