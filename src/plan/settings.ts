/** Where each argument and variable of a launch comes from, and what it stands in place of. */

import { canonicalName } from '../engine/arguments.ts'
import { namesIn } from '../engine/flag-words.ts'
import type { Json } from '../std/json.ts'
import { readWords } from './arguments.ts'
import type { Launch } from './launch.ts'
import type { Request } from './request.ts'

/** One final value as it is written. `instead`: what others wanted there, the strongest first; an absent value was left out. */
export type Setting = {
  readonly kind: 'argument' | 'variable'
  readonly name: string
  readonly value?: string
  readonly source: string
  readonly instead: readonly { readonly value: string; readonly source: string }[]
}

type Said = { readonly source: string; readonly values: Readonly<Record<string, Json>> }

/**
 * Every argument on the engine's command line and every variable that is set for it, and the profile's arguments that were left out. `typed`:
 * those of the request's extra words that stood after `--`, to tell them from those of AIM_ENGINE_EXTRA_ARGS.
 */
export const settingsOf = (launch: Launch, request: Request, typed: readonly string[]): readonly Setting[] => [
  ...argumentSettings(launch, request, typed),
  ...variableSettings(launch, request),
]

const argumentSettings = ({ engine, profile }: Launch, request: Request, typed: readonly string[]): readonly Setting[] => {
  const words = positive(readWords(request.extraArguments))
  const fromLine = new Set(namesIn(typed).map(positiveName))
  const said: readonly Said[] = [
    { source: 'words after --', values: pick(words, (name) => fromLine.has(name)) },
    { source: 'AIM_ENGINE_EXTRA_ARGS', values: pick(words, (name) => !fromLine.has(name)) },
    { source: 'AIM_ENGINE_ARGS', values: named(request.engineArguments) },
    { source: 'AIM_MAX_MODEL_LEN', values: request.maxModelLength === undefined ? {} : { 'max-model-len': request.maxModelLength } },
    { source: `profile ${profile.id}`, values: profile.arguments },
  ]
  const final = valuesIn(engine.argv)
  const dropped = said.flatMap(({ values }) => Object.keys(values)).filter((name) => final[name] === undefined)
  return [
    ...Object.entries(final).map(([name, value]) => ({ kind: 'argument' as const, name: `--${name}`, value, ...origin(name, said) })),
    ...[...new Set(dropped)].map((name) => ({ kind: 'argument' as const, name: `--${name}`, ...origin(name, said) })),
  ]
}

/** The strongest that names it is its source; without any it is ours. */
const origin = (name: string, said: readonly Said[]): Pick<Setting, 'source' | 'instead'> => {
  const [first, ...others] = said.filter(({ values }) => values[name] !== undefined)
  const instead = others.flatMap(({ source, values }) => (values[name] === null ? [] : [{ source, value: written(values[name] ?? null) }]))
  return { source: first?.source ?? own[name] ?? 'AIM Engine', instead }
}

/** What ours are made of. */
const own: Readonly<Record<string, string>> = {
  host: 'AIM_HOST',
  port: 'AIM_PORT',
  'served-model-name': 'AIM_SERVED_MODEL_NAME or the model',
  'tensor-parallel-size': 'AIM Engine: the number of GPUs',
  'enable-server-load-tracking': 'AIM Engine: the count of requests by which a stall is seen',
}

const positiveName = (name: string): string => name.replace(/^no-/, '')

/** A negation as its flag with false. */
const positive = (values: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => (name.startsWith('no-') ? [name.slice(3), false] : [name, value])))

const named = (values: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [canonicalName(name), value]))

const pick = (values: Readonly<Record<string, Json>>, wanted: (name: string) => boolean): Readonly<Record<string, Json>> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => wanted(name)))

const written = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** The values behind each flag of a command line, a negation under its positive name. */
const valuesIn = (argv: readonly string[]): Readonly<Record<string, string>> => {
  const values: Record<string, string> = {}
  let name: string | undefined
  for (const word of argv) {
    if (/^-+[A-Za-z]/.test(word)) {
      const [flag = '', inline] = word.split(/=(.*)/s)
      const long = canonicalName(flag)
      name = positiveName(long)
      values[name] = inline ?? (long === name ? '' : 'false')
    } else if (name !== undefined) values[name] = `${values[name] ?? ''} ${word}`.trim()
  }
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value === '' ? 'true' : value]))
}

const variableSettings = ({ engine, profile }: Launch, { engineEnvironment = {} }: Request): readonly Setting[] => {
  const planned = Object.entries(engine.env).map(([name, value]): Setting => {
    const fromProfile = profile.environment[name]
    const source = fromProfile === value ? `profile ${profile.id}` : 'AIM Engine'
    const others = [
      ...(fromProfile === undefined || fromProfile === value ? [] : [{ value: fromProfile, source: `profile ${profile.id}` }]),
      ...(engineEnvironment[name] === undefined || engineEnvironment[name] === value
        ? []
        : [{ value: engineEnvironment[name], source: 'your environment' }]),
    ]
    return { kind: 'variable', name, value, source, instead: others }
  })
  const yours = Object.entries(profile.environment).flatMap(([name, value]): readonly Setting[] => {
    const given = engineEnvironment[name]
    const instead = [{ value, source: `profile ${profile.id}` }]
    return given === undefined || engine.env[name] !== undefined
      ? []
      : [{ kind: 'variable', name, value: given, source: 'your environment', instead }]
  })
  return [...planned, ...yours]
}
