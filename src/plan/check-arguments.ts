/** Arguments held against what the engine's own parser takes, before anything is looked up or downloaded. */
import { canonicalName } from '../engine/arguments.ts'
import { checkWords } from '../engine/flag-words.ts'
import { checkArguments, type FlagSchema } from '../engine/flags.ts'
import { absolutePath } from '../engine/paths.ts'
import type { Selection } from '../recipes/profile.ts'
import type { Json } from '../std/json.ts'
import { badRequest, isRefusal, type Refusal } from './refusal.ts'
import type { Request } from './request.ts'
import { refuseSecrets } from './secrets.ts'

/** What arguments are held against. `strict` false (AMD's way) passes on what is wrong and says so; relative paths lie below `directory`. */
export type FlagRules = { readonly schema: FlagSchema; readonly strict: boolean; readonly directory: string }

/** A request whose arguments the engine takes, in their full names; `warnings` tell what was translated, and what is wrong when not strict. */
export type CheckedRequest = { readonly request: Request; readonly warnings: readonly string[] }

/** Checks AIM_ENGINE_ARGS and the extra words. All problems are in one refusal (78), which holds no secret. */
export const checkRequest = (request: Request, rules: FlagRules): CheckedRequest | Refusal => {
  const { schema, strict, directory } = rules
  const secret = refuseSecrets(request)
  if (secret !== undefined) return secret
  const args = checkArguments(schema, request.engineArguments)
  const words = checkWords(schema, request.extraArguments)
  const problems = [...args.problems.map((one) => `AIM_ENGINE_ARGS: ${one}`), ...words.problems.map((one) => `extra arguments: ${one}`)]
  if (strict && problems.length > 0) return refuse('cannot use the engine arguments', problems)
  return {
    request: { ...request, engineArguments: absolute(args.arguments, directory), extraArguments: absoluteWords(words.words, directory) },
    warnings: [...problems.map(passedOn), ...args.notes, ...words.notes],
  }
}

/** A selection whose profile the engine takes; what was translated is among its reasons. All problems are in one refusal (78). */
export const checkSelection = (selection: Selection | Refusal, rules: FlagRules | undefined): Selection | Refusal => {
  if (isRefusal(selection) || rules === undefined) return selection
  const { profile, reasons } = selection
  const checked = checkArguments(rules.schema, profile.arguments)
  if (rules.strict && checked.problems.length > 0) return refuse(`cannot use profile ${profile.id} of ${profile.source}`, checked.problems)
  return {
    ...selection,
    profile: { ...profile, arguments: absolute(checked.arguments, rules.directory) },
    reasons: [...reasons, ...checked.notes, ...checked.problems.map(passedOn)],
  }
}

const refuse = (what: string, problems: readonly string[]): Refusal =>
  badRequest(
    [what, ...problems.map((problem) => `  ${problem}`)].join('\n'),
    'correct them, or set AIM_STRICT=false to let the engine judge',
  )

const passedOn = (problem: string): string => `${problem}; passed on as it is (AIM_STRICT=false)`

const absolute = (args: Readonly<Record<string, Json>>, directory: string): Readonly<Record<string, Json>> =>
  Object.fromEntries(Object.entries(args).map(([name, value]) => [name, absolutePath(name, value, directory)]))

/** Each word belongs to the flag before it. */
const absoluteWords = (words: readonly string[], directory: string): readonly string[] => {
  let flag = ''
  return words.map((word) => {
    if (/^-+[A-Za-z]/.test(word)) flag = canonicalName(word)
    return flag === '' || word.startsWith('-') ? word : String(absolutePath(flag, word, directory))
  })
}
