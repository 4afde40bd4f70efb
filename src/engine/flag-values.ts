import { isRecord, type Json, parseJson } from '../std/json.ts'
import { nearest } from '../std/nearest.ts'
import type { Flag, FlagKind } from './flags.ts'

/** vLLM reads 32k as 32000 and 32K as 32768; a number of these may have a fraction (vllm/utils/argparse_utils.py, 0.32). */
const size = /^(?:-?\d+|\d+(?:\.\d+)?[kmgtKMGT])$/

/** What a value must be for each kind, and how to tell; what is written on a command line arrives as text. */
const rules: Readonly<Record<Exclude<FlagKind, 'boolean' | 'switch'>, readonly [rule: string, holds: (value: Json) => boolean]>> = {
  whole: ['must be a whole number', (value) => /^-?\d+$/.test(wordOf(value))],
  size: ['must be a whole number such as 8192 or 8k', (value) => size.test(wordOf(value))],
  'size-or-auto': ['must be a whole number such as 8192 or 8k, or auto', (value) => value === 'auto' || size.test(wordOf(value))],
  number: ['must be a number', (value) => /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(wordOf(value))],
  text: ['must be a text', (value) => typeof value === 'string' || typeof value === 'number'],
  json: ['must be JSON, as an object or array or as a text that holds one', isJson],
  'text-or-json': ['must be a text or a JSON object', (value) => typeof value === 'string' || isRecord(value)],
}

/** What is wrong with one value of a flag that takes values, as `must be ...`; undefined when nothing is. */
export const objectionTo = ({ kind, choices, list }: Flag, value: Json): string | undefined => {
  if (kind === 'boolean' || kind === 'switch') return undefined
  if (choices?.length && !choices.some((choice) => String(choice) === wordOf(value))) return wrongChoice(choices, value)
  // One of several may be an object that is rendered as JSON (--lora-modules).
  if (kind === 'text' && list && isRecord(value)) return undefined
  const [rule, holds] = rules[kind]
  return holds(value) ? undefined : rule
}

const wordOf = (value: Json): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

const wrongChoice = (choices: readonly (string | number)[], value: Json): string => {
  const near = nearest(wordOf(value), choices.map(String))
  return `must be one of ${choices.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`
}

/** vLLM reads `{"a": 32k}` too (_expand_json_human_readable_numbers in vllm/engine/arg_utils.py, 0.32). */
const sizeInside = /(?<=[:[,]\s*)\d+(?:\.\d+)?[kmgtKMGT](?=\s*[,}\]])/g

function isJson(value: Json): boolean {
  const held = typeof value === 'string' ? parseJson(value.replace(sizeInside, '1')) : value
  return isRecord(held) || Array.isArray(held)
}
