import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import type { core } from 'zod'
import type { Json } from '../std/json.ts'
import { nearest } from '../std/nearest.ts'
import type { Problem } from '../std/problem.ts'
import { amdProfile, amdSchema, isAmdDocument } from './amd.ts'
import { expand } from './expand.ts'
import type { Profile } from './profile.ts'
import { recipeSchema } from './schema.ts'

/** A problem and where in which file it is; line and column count from 1. */
export type RecipeProblem = Problem & { readonly file: string; readonly line: number; readonly column: number }

/** A recipe's profiles, or every problem it has; never both. */
export type ParsedRecipe = { readonly profiles: readonly Profile[]; readonly problems: readonly RecipeProblem[] }

type Path = readonly PropertyKey[]

/**
 * Reads one recipe, or one profile of AMD's. `file` is only named: in problems and as the profiles' source; AMD's ids follow from it and from
 * nothing else. `root` is the place that was read.
 */
export const parseRecipe = (text: string, file: string, root: string = file): ParsedRecipe => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number, key: string, rule: string, fix?: string): RecipeProblem => {
    const { line, col } = lines.linePos(offset)
    return { severity: 'problem', key, rule, file, line, column: col, ...(fix === undefined ? {} : { fix }) }
  }
  const syntax = document.errors.map(({ pos, message }) => at(pos[0], '', message))
  if (syntax.length > 0) return { profiles: [], problems: syntax }
  const content: unknown = document.toJS()
  if (isAmdDocument(content)) return parseAmd(parseDocument(text, { version: '1.1' }), file, root, at)
  const result = recipeSchema.safeParse(content)
  if (!result.success) return { profiles: [], problems: result.error.issues.flatMap((issue) => explain(issue, document, at)) }
  const profiles = expand(result.data, file)
  const problems = twice(profiles).map((id) => at(offsetOf(document, ['profiles']), 'profiles', `describes ${id} twice`))
  return problems.length > 0 ? { profiles: [], problems } : { profiles, problems }
}

// Python's YAML is 1.1: there `on` and `no` are booleans.
const parseAmd = (document: Document, file: string, root: string, at: At): ParsedRecipe => {
  const content: Json = document.toJS()
  const result = amdSchema(file).safeParse(content)
  return result.success
    ? { profiles: [amdProfile(result.data, content, file, root)], problems: [] }
    : { profiles: [], problems: result.error.issues.flatMap((issue) => explain(issue, document, at)) }
}

const twice = (profiles: readonly Profile[]): readonly string[] =>
  [...Map.groupBy(profiles, ({ id }) => id)].filter(([, same]) => same.length > 1).map(([id]) => id)

type At = (offset: number, key: string, rule: string, fix?: string) => RecipeProblem

const explain = (issue: core.$ZodIssue, document: Document, at: At): readonly RecipeProblem[] => {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, issue.path, document, at))
  // The rule about a key stands in an issue of its own inside this one.
  if (issue.code === 'invalid_key') {
    const name = String(issue.path.at(-1))
    return issue.issues.map(({ message }) => at(keyOffset(document, issue.path), keyText(issue.path), `${name} ${message}`))
  }
  const deepest = issue.code === 'invalid_union' ? deepestOf(issue) : issue
  const path = [...issue.path, ...(deepest === issue ? [] : deepest.path)]
  return [at(offsetOf(document, path), keyText(path), deepest.message)]
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

const keyText = (path: Path): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`),
    '',
  )

/** Where a value starts; what is missing is reported at what should hold it. */
const offsetOf = (document: Document, path: Path): number => {
  const node = document.getIn(path, true) as Node | undefined
  return node?.range?.[0] ?? (path.length === 0 ? 0 : offsetOf(document, path.slice(0, -1)))
}

const keyOffset = (document: Document, path: Path): number => {
  const holder = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  const pair = isMap(holder) ? holder.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined
  return isScalar(pair?.key) ? (pair.key.range?.[0] ?? 0) : offsetOf(document, path)
}
