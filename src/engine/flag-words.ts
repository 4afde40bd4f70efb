import type { Json } from '../std/json.ts'
import { canonicalName, renderArguments } from './arguments.ts'
import { checkArguments, type FlagSchema, flagNamed } from './flags.ts'

/** Words of a command line as they are to be given (as written where there is a problem), with notes and problems as of arguments. */
export type CheckedWords = { readonly words: readonly string[]; readonly notes: readonly string[]; readonly problems: readonly string[] }

/** A flag as written, what stands behind its `=`, and the words after it. */
type Group = { readonly head: string; readonly inline?: string; readonly rest: readonly string[] }

/** `-1` and `-0.5` are values. */
const isFlag = (word: string): boolean => /^-+[A-Za-z]/.test(word)

/**
 * Words after `--` or of AIM_ENGINE_EXTRA_ARGS against the schema: each flag in its full name, so that no two spellings of one slip
 * through; what moved is translated; words that belong to no flag are a problem, because the engine would take the first for its model.
 */
export const checkWords = (schema: FlagSchema, words: readonly string[]): CheckedWords => {
  const { stray, groups } = groupsOf(words)
  const all = groups.map((group) => checkGroup(schema, group))
  return {
    words: [...stray, ...all.flatMap((one) => one.words)],
    notes: all.flatMap(({ notes }) => notes),
    problems: [...stray.map((word) => `${JSON.stringify(word)} follows no flag`), ...all.flatMap(({ problems }) => problems)],
  }
}

const groupsOf = (words: readonly string[]): { readonly stray: readonly string[]; readonly groups: readonly Group[] } => {
  const starts = words.flatMap((word, at) => (isFlag(word) ? [at] : []))
  const groups = starts.map((start, n) => {
    const [head = '', inline] = (words[start] ?? '').split(/=(.*)/s)
    return { head, ...(inline === undefined ? {} : { inline }), rest: words.slice(start + 1, starts[n + 1]) }
  })
  return { stray: words.slice(0, starts[0] ?? words.length), groups }
}

const checkGroup = (schema: FlagSchema, group: Group): CheckedWords => {
  const { head, inline, rest } = group
  const values = inline === undefined ? rest : [inline, ...rest]
  // -O2 is a value grown together with its flag.
  if (/^-O/.test(head)) return { words: written(group), notes: [], problems: [] }
  const name = flagNamed(schema, head)
  const value = name === undefined ? looseValue(values) : valueFor(schema, name, values)
  if (typeof value === 'object' && value !== null && 'problem' in value)
    return { words: written(group), notes: [], problems: [String(value.problem)] }
  const checked = checkArguments(schema, { [name ?? head]: value })
  if (checked.problems.length > 0) return { ...checked, words: written(group) }
  // A value keeps its words, however it is quoted there.
  const same = name !== undefined && values.length > 0
  return { notes: checked.notes, problems: [], words: same ? [`--${name}`, ...values] : renderArguments(checked.arguments) }
}

const written = ({ head, inline, rest }: Group): readonly string[] => [inline === undefined ? head : `${head}=${inline}`, ...rest]

const looseValue = (values: readonly string[]): Json => (values.length > 1 ? values : (values[0] ?? true))

const valueFor = (schema: FlagSchema, name: string, values: readonly string[]): Json | { readonly problem: string } => {
  const { kind, list, optional } = schema.flags[name] ?? { kind: 'text' }
  if (kind === 'boolean' || kind === 'switch') {
    const forms = kind === 'boolean' ? `--${name} or --no-${name}` : `--${name}`
    return values.length === 0 ? true : { problem: `--${name} takes no value (given ${values.join(' ')}): write ${forms}` }
  }
  if (values.length === 0) return optional ? true : { problem: `--${name} needs a value` }
  if (list) return values
  return values.length === 1 ? (values[0] ?? '') : { problem: `--${name} takes one value, not ${values.join(' ')}` }
}

/** The canonical names that words set. */
export const namesIn = (words: readonly string[]): readonly string[] => groupsOf(words).groups.map(({ head }) => canonicalName(head))
