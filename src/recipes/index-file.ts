import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { isRecord, parseJson } from '../std/json.ts'
import type { Profile } from './profile.ts'

/** Raised when a Profile changes its shape, so that an index of another build is not taken for ours. */
const version = 1

/** A catalog's profiles as JSON text, for images: reading it needs neither the YAML parser nor the schema. */
export const compile = ({ profiles }: { readonly profiles: readonly Profile[] }): string => JSON.stringify({ version, profiles })

/** The profiles of an index. It is our own build's output, so only its version is checked; anything else is a Failure (78). */
export const readIndex = (text: string): readonly Profile[] => {
  const index = parseJson(text)
  if (isRecord(index) && index.version === version && Array.isArray(index.profiles)) return index.profiles as readonly Profile[]
  throw new Failure(`cannot read the index of recipes: it is not JSON of version ${version}`, {
    exitCode: exitCodes.config,
    fix: 'build it again from the recipes, or remove it so that they are read themselves',
  })
}
