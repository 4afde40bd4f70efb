import { type Document, LineCounter, parseDocument } from 'yaml'
import type { core } from 'zod'
import type { FlagSchema } from '../engine/flags.ts'
import type { Json } from '../std/json.ts'
import { nearest } from '../std/nearest.ts'
import type { Problem } from '../std/problem.ts'
import { amdProfile, amdSchema, isAmdDocument } from './amd.ts'
import { expand } from './expand.ts'
import { keyOffset, keyText, offsetOf, type Path } from './file-places.ts'
import { flagComplaints } from './flag-complaints.ts'
import type { Profile } from './profile.ts'
import { recipeSchema } from './schema.ts'

/** A problem and where in which file it is; line and column count from 1. */
export type RecipeProblem = Problem & { readonly file: string; readonly line: number; readonly column: number }

/** A recipe's profiles, or every problem it has; never both. */
export type ParsedRecipe = { readonly profiles: readonly Profile[]; readonly problems: readonly RecipeProblem[] }

/**
 * Reads one recipe, or one profile of AMD's. `file` is only named: in problems and as the profiles' source; AMD's ids follow from it and from
 * nothing else. `root` is the place that was read. With `flags` the arguments are held against those of an engine, which a start does only for
 * the profile that it takes.
 */
export const parseRecipe = (text: string, file: string, root: string = file, flags?: FlagSchema): ParsedRecipe => {
  const { profiles, problems } = read(text, file, root, flags)
  return { profiles, problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) }
}

const read = (text: string, file: string, root: string, flags: FlagSchema | undefined): ParsedRecipe => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number, key: string, rule: string, fix?: string): RecipeProblem => {
    const { line, col } = lines.linePos(offset)
    return { severity: 'problem', key, rule, file, line, column: col, ...(fix === undefined ? {} : { fix }) }
  }
  const syntax = document.errors.map(({ pos, message }) => at(pos[0], '', message))
  if (syntax.length > 0) return { profiles: [], problems: syntax }
  const content: unknown = document.toJS()
  if (isAmdDocument(content)) return parseAmd(parseDocument(text, { version: '1.1' }), file, root, at, flags)
  const result = recipeSchema.safeParse(content)
  const profiles = result.data === undefined ? [] : expand(result.data, file)
  const problems = [
    ...(result.error?.issues ?? []).flatMap((issue) => explain(issue, document, at)),
    ...twice(profiles).map((id) => at(offsetOf(document, ['profiles']), 'profiles', `describes ${id} twice`)),
    ...argumentProblems(content as Json, document, at, flags),
  ]
  return { profiles: problems.length > 0 ? [] : profiles, problems }
}

// Python's YAML is 1.1: there `on` and `no` are booleans.
const parseAmd = (document: Document, file: string, root: string, at: At, flags: FlagSchema | undefined): ParsedRecipe => {
  const content: Json = document.toJS()
  const result = amdSchema(file).safeParse(content)
  const problems = [
    ...(result.error?.issues ?? []).flatMap((issue) => explain(issue, document, at)),
    ...argumentProblems(content, document, at, flags),
  ]
  const isSound = result.data !== undefined && problems.length === 0
  return { profiles: isSound ? [amdProfile(result.data, content, file, root)] : [], problems }
}

const argumentProblems = (content: Json, document: Document, at: At, flags: FlagSchema | undefined): readonly RecipeProblem[] =>
  flags === undefined ? [] : flagComplaints(content, flags).map(({ path, rule }) => at(keyOffset(document, path), keyText(path), rule))

const twice = (profiles: readonly Profile[]): readonly string[] =>
  [...Map.groupBy(profiles, ({ id }) => id)].filter(([, same]) => same.length > 1).map(([id]) => id)

type At = (offset: number, key: string, rule: string, fix?: string) => RecipeProblem

const explain = (issue: core.$ZodIssue, document: Document, at: At): readonly RecipeProblem[] => {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, issue.path, document, at))
  // The rule about a key stands in an issue of its own inside this one.
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => at(keyOffset(document, issue.path), keyText(issue.path), message))
  }
  const deepest = issue.code === 'invalid_union' ? deepestOf(issue) : issue
  const path = [...issue.path, ...(deepest === issue ? [] : deepest.path)]
  return [at(offsetOf(document, path), keyText(path), ...ruleOf(deepest, document.getIn(path)))]
}

/** What a value must be, in our words, and the nearest that is. */
const ruleOf = (issue: core.$ZodIssue, value: unknown): readonly [rule: string, fix?: string] => {
  if (issue.code === 'invalid_type' && value === undefined) return ['is missing']
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid')) return [`must be ${kinds[issue.expected] ?? issue.expected}`]
  if (issue.code !== 'invalid_value') return [issue.message]
  const near = nearest(String(value), issue.values.map(String))
  const rule = `must be one of ${issue.values.join(', ')}`
  return near === undefined ? [rule] : [rule, `did you mean ${near}?`]
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a block of keys',
  record: 'a block of keys',
}

/** Of a union's complaints, the one that got furthest into the value is about what was meant; else the union's own words, if it has any. */
const deepestOf = (issue: core.$ZodIssueInvalidUnion): core.$ZodIssue => {
  const [furthest] = issue.errors.flat().toSorted((a, b) => b.path.length - a.path.length)
  return furthest === undefined || (furthest.path.length === 0 && issue.message !== 'Invalid input') ? issue : furthest
}

const known = 'model general license gated task sources checkpoints weights defaults profiles'.split(' ')
const knownInside = 'arguments environment resources memory shm cpus engine gpu count precision metric type manualOnly minimumEngine'.split(
  ' ',
)

const unknownKey = (key: string, path: Path, document: Document, at: At): RecipeProblem => {
  const near = nearest(key, path.length === 0 ? known : knownInside)
  const fix = near === undefined ? undefined : `did you mean ${near}?`
  return at(keyOffset(document, [...path, key]), keyText([...path, key]), 'is not a key of the recipe format', fix)
}
