import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { isRecord, parseJson } from '../std/json.ts'
import type { Profile } from './profile.ts'

/** Raised when a Profile changes its shape, so that an index of another build is not taken for ours. */
const version = 2

/** One line: a recipe, what its profiles share once. */
type Line = { readonly model?: string; readonly shared: Partial<Profile>; readonly profiles: readonly Partial<Profile>[] }

/**
 * A catalog's profiles as lines of JSON, for images: reading it needs neither the YAML parser nor the schema. The first line is the version,
 * each other one recipe and begins with its model, so that a start parses the one line that it needs.
 */
export const compile = ({ profiles }: { readonly profiles: readonly Profile[] }): string =>
  [
    JSON.stringify({ version }),
    ...[...Map.groupBy(profiles, ({ source, model }) => `${model} ${source}`).values()].map((own) => JSON.stringify(lineOf(own))),
  ].join('\n')

const lineOf = (profiles: readonly Profile[]): Line => {
  const { model, recipe, source } = profiles[0] ?? {}
  return {
    ...(model === undefined ? {} : { model }),
    shared: { ...(source === undefined ? {} : { source }), ...(recipe === undefined ? {} : { recipe }) },
    profiles: profiles.map(({ model: _, recipe: __, source: ___, ...own }) => own),
  }
}

/**
 * The profiles of an index, or those only that can serve `model`. It is our own build's output, so only its version is checked; anything
 * else is a Failure (78).
 */
export const readIndex = (text: string, model?: string): readonly Profile[] => {
  const [head = '', ...lines] = text.split('\n')
  const known = parseJson(head)
  if (!isRecord(known) || known.version !== version) throw unreadable()
  const starts = model === undefined ? [''] : [`{"model":${JSON.stringify(model)},`, '{"shared":']
  return lines.filter((line) => starts.some((start) => line.startsWith(start))).flatMap(profilesOf)
}

const profilesOf = (line: string): readonly Profile[] => {
  const read = parseJson(line) as Line | undefined
  if (!Array.isArray(read?.profiles)) throw unreadable()
  const { model, shared, profiles } = read
  return profiles.map((own) => ({ ...own, ...(model === undefined ? {} : { model }), ...shared }) as Profile)
}

const unreadable = (): Failure =>
  new Failure(`cannot read the index of recipes: it is not one of version ${version}`, {
    exitCode: exitCodes.config,
    fix: 'build it again from the recipes, or remove it so that they are read themselves',
  })
