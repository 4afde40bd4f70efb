/** Text of a variable to a value, as zod schemas; the sentence beside each is the rule that a user is shown. */
import {
  array,
  enum as enumeration,
  int,
  json,
  maximum,
  minimum,
  number,
  pipe,
  record,
  regex,
  string,
  stringbool,
  transform,
  type ZodMiniType,
} from 'zod/mini'
import { parseBytes } from '../std/bytes.ts'
import { formatDuration, parseDuration } from '../std/duration.ts'
import type { Json } from '../std/json.ts'
import { quoteWord, splitWords } from '../std/words.ts'

/** How one kind of variable is read and written, and the rule in words. */
export type Codec<T> = {
  /** Made when asked for: most variables are not set, and a start builds no schema for them. */
  readonly schema: () => ZodMiniType<T, string>
  readonly rule: string
  /** The words that are valid, when they are few: a slip is answered with the nearest. */
  readonly choices?: readonly string[]
  /** The text that parses to `value` again. */
  readonly encode: (value: T) => string
}

/** One of a few words, in any case; `synonyms` are other spellings that mean one of them. */
export const choice = <const T extends string>(values: readonly T[], synonyms: Readonly<Record<string, T>> = {}): Codec<T> => ({
  schema: () =>
    pipe(
      transform(
        (text: string) =>
          synonyms[text.trim().toLowerCase()] ?? values.find((value) => value.toLowerCase() === text.trim().toLowerCase()) ?? text,
      ),
      enumeration(values),
    ) as unknown as ZodMiniType<T, string>,
  rule: `must be one of ${[...values, ...Object.keys(synonyms)].join(', ')}`,
  choices: [...values, ...Object.keys(synonyms)],
  encode: (value) => value,
})

/** `true`, `yes`, `1` or `false`, `no`, `0`, as AMD's containers read them; also on and off. */
export const flag: Codec<boolean> = {
  schema: () =>
    stringbool({ truthy: ['true', 'yes', '1', 'on'], falsy: ['false', 'no', '0', 'off'] }) as unknown as ZodMiniType<boolean, string>,
  rule: 'must be true, yes, 1 or false, no, 0',
  encode: String,
}

/** A whole number within bounds. */
export const whole = (low: number, high: number): Codec<number> => ({
  schema: () =>
    pipe(
      transform((text: string) => (/^\s*-?\d+\s*$/.test(text) ? Number(text) : Number.NaN)),
      int().check(minimum(low), maximum(high)),
    ) as unknown as ZodMiniType<number, string>,
  rule: `must be a whole number from ${low} to ${high}`,
  encode: String,
})

/** A whole number within bounds, or `auto`. */
export const wholeOrAuto = (low: number, high: number): Codec<number | 'auto'> => ({
  schema: () =>
    pipe(
      transform((text: string) => (text.trim().toLowerCase() === 'auto' ? -1 : /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN)),
      pipe(
        int().check(minimum(-1), maximum(high)),
        transform((value: number) => (value === -1 ? ('auto' as const) : value)),
      ),
    ) as unknown as ZodMiniType<number | 'auto', string>,
  rule: `must be auto or a whole number from ${low} to ${high}`,
  encode: String,
})

/** Milliseconds from `90`, `90s`, `1.5m`, `250ms`. */
export const duration = (lowMs: number, highMs: number): Codec<number> => ({
  schema: () =>
    pipe(
      transform((text: string) => parseDuration(text) ?? Number.NaN),
      number().check(minimum(lowMs), maximum(highMs)),
    ) as unknown as ZodMiniType<number, string>,
  rule: `must be a time such as 90, 90s, 5m or 1h, from ${formatDuration(lowMs)} to ${formatDuration(highMs)} (a bare number is seconds)`,
  encode: (ms) => `${ms}ms`,
})

/** Bytes from `20GiB`, `500M`, `0`. */
export const size: Codec<number> = {
  schema: () =>
    pipe(
      transform((text: string) => parseBytes(text) ?? Number.NaN),
      number().check(minimum(0)),
    ) as unknown as ZodMiniType<number, string>,
  rule: 'must be a size such as 20GiB, 500M or 0',
  encode: String,
}

/** Text that matches a pattern. */
export const text = (pattern: RegExp, rule: string): Codec<string> => ({
  schema: () => string().check(regex(pattern)),
  rule,
  encode: (value) => value,
})

/** An absolute path. */
export const path: Codec<string> = text(/^\/[^\0]*$/, 'must be an absolute path')

/** An http or https URL, kept without a slash at its end. */
export const url: Codec<string> = {
  schema: () =>
    pipe(
      string().check(regex(/^https?:\/\/[^\s/]+\S*$/)),
      transform((value) => value.replace(/\/+$/, '')),
    ),
  rule: 'must be a URL that begins with http:// or https://',
  encode: (value) => value,
}

/** A JSON object. */
export const jsonObject: Codec<Readonly<Record<string, Json>>> = {
  schema: () =>
    pipe(
      transform((value: string): unknown => {
        try {
          return JSON.parse(value)
        } catch {
          return undefined
        }
      }),
      record(string(), json()),
    ) as unknown as ZodMiniType<Readonly<Record<string, Json>>, string>,
  rule: 'must be a JSON object such as {"max-model-len": 8192}',
  encode: (value) => JSON.stringify(value),
}

/** Words as a shell splits them, quotes and backslashes included; nothing is expanded. */
export const words: Codec<readonly string[]> = {
  schema: () =>
    pipe(
      transform((value: string) => splitWords(value) as string[] | undefined),
      array(string()),
    ) as unknown as ZodMiniType<readonly string[], string>,
  rule: 'must be words as a shell reads them, with every quote closed',
  encode: (value) => value.map(quoteWord).join(' '),
}
