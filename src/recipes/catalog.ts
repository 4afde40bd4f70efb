/** Edge: reads directories of recipes. The YAML parser and the schema are loaded only when a recipe has to be read. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FlagSchema } from '../engine/flags.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { readIndex } from './index-file.ts'
import type { ParsedRecipe, RecipeProblem } from './parse.ts'
import type { Profile } from './profile.ts'

/** Every profile of every place, in the order of the places and then of the paths; files with problems give no profiles. */
export type Catalog = { readonly profiles: readonly Profile[]; readonly problems: readonly RecipeProblem[] }

/**
 * Reads recipes, the most important place first. A place is a directory of YAML files, read with everything below it, one such file, or a
 * compiled index (`*.jsonl`), of which only what can serve `model` is read when one is named. One that cannot be read is a Failure (78); a bad file in it is a
 * problem, and the caller's to weigh. `flags` as in `parseRecipe`.
 */
export const loadCatalog = async (places: readonly string[], model?: string, flags?: FlagSchema): Promise<Catalog> => {
  const parsed = (await Promise.all(places.map((place) => load(place, model, flags)))).flat()
  return { profiles: parsed.flatMap(({ profiles }) => profiles), problems: parsed.flatMap(({ problems }) => problems) }
}

const load = async (place: string, model: string | undefined, flags: FlagSchema | undefined): Promise<readonly ParsedRecipe[]> => {
  const refuse = (error: NodeJS.ErrnoException) => {
    throw unreadable(place, error)
  }
  if (place.endsWith('.jsonl')) return [{ profiles: readIndex(indexText(place), model), problems: [] }]
  const [{ readdir, readFile, stat }, { parseRecipe }] = await Promise.all([import('node:fs/promises'), import('./parse.ts')])
  const isFile = /\.ya?ml$/.test(place) && (await stat(place).catch(refuse)).isFile()
  const names = isFile ? [''] : await readdir(place, { recursive: true }).catch(refuse)
  // A mounted ConfigMap shows every file a second time, below a directory whose name starts with two dots.
  const files = names.filter((name) => isFile || (/\.ya?ml$/.test(name) && !/(?:^|\/)\./.test(name))).toSorted()
  return Promise.all(
    files.map(async (name) => parseRecipe(await readFile(join(place, name), 'utf8').catch(refuse), join(place, name), place, flags)),
  )
}

// At once: it is one file of our own, and waiting for it would load what reads later.
const indexText = (place: string): string => {
  try {
    return readFileSync(place, 'utf8')
  } catch (error) {
    throw unreadable(place, error as NodeJS.ErrnoException)
  }
}

const unreadable = (place: string, error: NodeJS.ErrnoException): Failure =>
  new Failure(`cannot read recipes from ${place}: ${error.code ?? error.message}`, {
    exitCode: exitCodes.config,
    fix: 'name a file or a directory of recipes (ORG/MODEL.yaml), in AIM_RECIPES_PATH or on the command line',
    cause: error,
  })
