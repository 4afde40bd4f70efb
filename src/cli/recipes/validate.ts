/** `aim recipes validate`: reads recipes as a start would, and says every problem with its line and column. */
import { loadCatalog } from '../../recipes/catalog.ts'
import type { RecipeProblem } from '../../recipes/parse.ts'
import { flagRules } from '../../serve/flags.ts'
import { ownRecipes } from '../../serve/recipes.ts'
import { exitCodes } from '../../std/exit-codes.ts'
import { overlay, readOptions } from '../options.ts'
import { type Format, print } from '../output.ts'

/** Reads a directory or a single file, by default the recipes of this installation, with the engine's flags; 78 when anything in it is wrong. */
export const validateRecipesCommand = async (path: string | undefined, format: Format): Promise<number> => {
  const place = path ?? ownRecipes()
  const { profiles, problems } = await loadCatalog([place], undefined, flagRules(readOptions(overlay(undefined, {}, []))).schema)
  const files = new Set([...profiles.map(({ source }) => source), ...problems.map(({ file }) => file)]).size
  await print(format, { place, files, profiles: profiles.length, problems }, () =>
    problems.length > 0
      ? problems.map(sentence).join('\n')
      : `${place}: ${amount(files, 'file')}, ${amount(profiles.length, 'profile')}, no problem`,
  )
  return problems.length > 0 ? exitCodes.config : 0
}

const amount = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

const sentence = ({ file, line, column, key, rule, fix }: RecipeProblem): string =>
  `${file}:${line}:${column}: ${key === '' ? '' : `${key} `}${rule}${fix === undefined ? '' : `; ${fix}`}`
