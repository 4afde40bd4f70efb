/** What an engine's own parser takes, and arguments held against it before anything is downloaded. */
import type { Json } from '../std/json.ts'
import { nearest } from '../std/nearest.ts'
import { canonicalName } from './arguments.ts'
import { objectionTo } from './flag-values.ts'
import { moved } from './moved-flags.ts'

/** What follows a flag: nothing and a `--no-` form, nothing, or one value. A `size` is a whole number that may end in k, m, g or t. */
export type FlagKind = 'boolean' | 'switch' | 'whole' | 'size' | 'size-or-auto' | 'number' | 'text' | 'json' | 'text-or-json'

/** One flag as docker/engine-flags.py writes it. `list`: several words may follow; `aliases`: other spellings, the short ones with their dash. */
export type Flag = {
  readonly kind: FlagKind
  readonly list?: true
  readonly optional?: true
  readonly repeats?: true
  readonly choices?: readonly (string | number)[]
  readonly aliases?: readonly string[]
}

/** The flags of one version of an engine, by long name without dashes. `build` tells builds of one version apart: it names what they compile with. */
export type FlagSchema = {
  readonly engine: string
  readonly version: string
  readonly build?: string
  readonly flags: Readonly<Record<string, Flag>>
}

/** What came of arguments: each in its full name and as it is to be rendered (as given where there is a problem), what was translated, what is wrong. */
export type CheckedArguments = {
  readonly arguments: Readonly<Record<string, Json>>
  readonly notes: readonly string[]
  readonly problems: readonly string[]
}

/** `-tp` keeps its dash, as in the aliases; anything else is a long name. */
const plainName = (written: string): string => (/^-[^-]/.test(written) ? written : canonicalName(written))

/** The long name that a written one means: itself, an alias (`-tp`), or, with dashes, the one flag that begins with it, which argparse takes too. */
export const flagNamed = (schema: FlagSchema, written: string): string | undefined => {
  const name = plainName(written)
  if (schema.flags[name] !== undefined) return name
  const aliased = Object.keys(schema.flags).find((flag) => schema.flags[flag]?.aliases?.includes(name))
  if (aliased !== undefined || !written.startsWith('--')) return aliased
  const beginning = Object.keys(schema.flags).filter((flag) => flag.startsWith(name))
  return beginning.length === 1 ? beginning[0] : undefined
}

/**
 * Arguments by name against the schema: null takes an argument away, `no-x` is the negation of x, a switch that is false says nothing, what
 * moved between versions is translated with a note. All problems are told.
 */
export const checkArguments = (schema: FlagSchema, args: Readonly<Record<string, Json>>): CheckedArguments => {
  const all = Object.entries(args).map(([name, value]) => checkOne(schema, name, value))
  return {
    arguments: Object.assign({}, ...all.map((one) => one.arguments)) as Readonly<Record<string, Json>>,
    notes: all.flatMap(({ notes }) => notes),
    problems: all.flatMap(({ problems }) => problems),
  }
}

const accepted = (args: Readonly<Record<string, Json>>, ...notes: readonly string[]): CheckedArguments => ({
  arguments: args,
  notes,
  problems: [],
})
const refused = (name: string, value: Json, ...problems: readonly string[]): CheckedArguments => ({
  arguments: { [name]: value },
  notes: [],
  problems,
})

const checkOne = (schema: FlagSchema, written: string, value: Json): CheckedArguments => {
  const name = flagNamed(schema, written) ?? dottedName(schema, written) ?? canonicalName(written)
  const flag = schema.flags[name]
  if (flag !== undefined) return checkValue(name, flag, value)
  if (schema.flags[name.split('.', 1)[0] ?? '']?.kind.includes('json') === true) return accepted({ [name]: value })
  return checkNegation(schema, name, value) ?? checkMoved(schema, name, value) ?? unknown(schema, name, value)
}

/** `-cc.mode` as `compilation-config.mode`. */
const dottedName = (schema: FlagSchema, written: string): string | undefined => {
  const [holder = '', ...path] = written.split('.')
  const name = path.length === 0 ? undefined : flagNamed(schema, holder)
  return name === undefined ? undefined : [name, ...path].join('.')
}

const checkNegation = (schema: FlagSchema, name: string, value: Json): CheckedArguments | undefined => {
  const positive = name.startsWith('no-') ? name.slice(3) : ''
  if (schema.flags[positive]?.kind !== 'boolean' || (value !== null && typeof value !== 'boolean')) return undefined
  return accepted(value === null ? { [positive]: null } : { [positive]: !value })
}

const checkMoved = (schema: FlagSchema, name: string, value: Json): CheckedArguments | undefined => {
  const move = moved[name]
  if (move === undefined) return undefined
  if (value === null) return accepted({})
  const sentence = `--${name} is no flag of ${schema.engine} ${schema.version}: ${move.because}`
  const translated = move.to(value)
  if (translated === undefined) return refused(name, value, sentence)
  const known = Object.keys(translated).every((to) => schema.flags[to.split('.', 1)[0] ?? ''] !== undefined)
  return known ? accepted(translated, sentence) : undefined
}

/** Letters at least that a name must share with the only flag that begins so. */
const sharedLetters = 5

/** The one flag that begins as the name does, as far as any does: `gpu-memm` for `gpu-memory-utilization`. */
const sameBeginning = (name: string, flags: readonly string[]): string | undefined => {
  for (let length = name.length; length >= sharedLetters; length--) {
    const found = flags.filter((flag) => flag.startsWith(name.slice(0, length)))
    if (found.length > 0) return found.length === 1 ? found[0] : undefined
  }
  return undefined
}

const unknown = (schema: FlagSchema, name: string, value: Json): CheckedArguments => {
  const near = nearest(name, Object.keys(schema.flags)) ?? sameBeginning(name, Object.keys(schema.flags))
  return refused(
    name,
    value,
    `--${name} is no flag of ${schema.engine} ${schema.version}${near === undefined ? '' : `; did you mean --${near}?`}`,
  )
}

const checkValue = (name: string, flag: Flag, value: Json): CheckedArguments => {
  if (value === null) return accepted({ [name]: null })
  if (flag.kind === 'boolean' || flag.kind === 'switch') return checkSwitch(name, flag.kind, value)
  if (value === true && flag.optional) return accepted({ [name]: true })
  const values = Array.isArray(value) && (flag.list || flag.repeats) ? (value as readonly Json[]) : [value]
  const rule = values.map((one) => objectionTo(flag, one)).find((objection) => objection !== undefined)
  if (rule !== undefined) return refused(name, value, `--${name} ${rule}, not ${JSON.stringify(value)}`)
  // A list that is one JSON word, such as --allowed-origins.
  return accepted({ [name]: Array.isArray(value) && !flag.list && !flag.repeats ? JSON.stringify(value) : value })
}

const checkSwitch = (name: string, kind: 'boolean' | 'switch', value: Json): CheckedArguments => {
  if (typeof value !== 'boolean') return refused(name, value, `--${name} must be true or false, not ${JSON.stringify(value)}`)
  // A switch has no --no- form: false is what it is without being said.
  return accepted({ [name]: kind === 'switch' && !value ? null : value })
}
