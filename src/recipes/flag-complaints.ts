import { checkArguments, type FlagSchema } from '../engine/flags.ts'
import { isRecord, type Json } from '../std/json.ts'
import type { Path } from './file-places.ts'
import { isOlder } from './version.ts'

/** An argument that the engine would not take, and why. */
export type FlagComplaint = { readonly path: Path; readonly rule: string }

/** Every argument of a recipe, or of a profile of AMD's, that `flags` does not take; what moved between versions is taken. Not of profiles for a newer engine or another. */
export const flagComplaints = (content: Json, flags: FlagSchema): readonly FlagComplaint[] => {
  if (!isRecord(content)) return []
  const entries = Array.isArray(content.profiles) ? content.profiles : []
  return [
    // In AMD's files null is the bare flag.
    ...complaintsAt(['engine_args'], content.engine_args, flags, (value) => value ?? true),
    ...complaintsIn(['defaults'], content.defaults, flags),
    ...entries.flatMap((entry, at) => complaintsIn(['profiles', at], entry, flags)),
  ]
}

const complaintsIn = (path: Path, entry: unknown, flags: FlagSchema): readonly FlagComplaint[] => {
  if (!isRecord(entry) || (entry.engine ?? flags.engine) !== flags.engine) return []
  if (typeof entry.minimumEngine === 'string' && isOlder(flags.version, entry.minimumEngine)) return []
  return complaintsAt([...path, 'arguments'], entry.arguments, flags, (value) => value)
}

const complaintsAt = (path: Path, args: unknown, flags: FlagSchema, meant: (value: Json) => Json): readonly FlagComplaint[] =>
  isRecord(args)
    ? Object.entries(args).flatMap(([name, value]) =>
        checkArguments(flags, { [name]: meant(value as Json) }).problems.map((rule) => ({
          path: [...path, name],
          rule: rule.replace(`--${name} `, ''),
        })),
      )
    : []
