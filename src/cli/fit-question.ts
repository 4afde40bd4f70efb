/** From the options of `aim fit` to its question: pure, so that every slip is told at once. */

import type { Headers } from '../cache/shards.ts'
import { cardNamed, gfxFor, type NamedCard } from '../hardware/card-names.ts'
import { describe } from '../model/describe.ts'
import type { ModelFacts } from '../model/facts.ts'
import { requantized } from '../model/requantize.ts'
import type { WeightFile } from '../model/weights.ts'
import { readWords } from '../plan/arguments.ts'
import { decimal, wholeNumber } from '../recipes/numbers.ts'
import type { Arguments } from '../recipes/setup.ts'
import { gib, parseBytes } from '../std/bytes.ts'
import type { StoredTensor } from '../std/safetensors.ts'
import { engineOptions, type FitFlags } from './fit-options.ts'

/** The GPUs and arguments that were asked for; `card` is absent where this machine's are meant. */
export type Asked = {
  readonly card?: NamedCard
  readonly gpuCount?: number
  readonly engineVersion?: string
  readonly arguments: Arguments
  readonly weightsBytes?: number
  readonly parameters?: number
}

/** Reads the options and the engine's words after `--`; problems are sentences. */
export const readFitFlags = (
  flags: FitFlags,
  extra: readonly string[],
): { readonly asked: Asked; readonly problems: readonly string[] } => {
  const problems: string[] = []
  const check = <T>(flag: string, read: (text: string) => T | undefined, rule: string): T | undefined => {
    const given = flags[camel(flag)]
    if (typeof given !== 'string') return undefined
    const value = read(given)
    if (value === undefined) problems.push(`--${flag} ${rule}, given ${given}`)
    return value
  }
  const bytes = 'must be a size such as 16GiB'
  const vramBytes = check('vram', sizeOf, 'must be a size such as 191.7GiB, or a number of GiB')
  const card = check('gpu', (name) => cardFor(name, vramBytes), 'must be a known product, or come with --vram')
  const gpuCount = check('count', positive, 'must be a whole number from 1')
  const weightsBytes = check('weights-bytes', parseBytes, bytes)
  const parameters = check('parameters', parametersOf, 'must be an amount such as 8B or 671B')
  const context = check('context', (text) => lengthOf(text), 'must be tokens: 32768, 32k, 32K or auto')
  const version = typeof flags.engineVersion === 'string' ? flags.engineVersion : undefined
  const args = { ...engineArguments(flags), ...(context === undefined ? {} : { 'max-model-len': context }), ...readWords(extra) }
  problems.push(...argumentProblems(args))
  const bare = card ?? (vramBytes === undefined ? undefined : { product: 'GPU', gfx: 'gfx942', vramBytes })
  const asked = { card: bare, gpuCount, engineVersion: version, weightsBytes, parameters }
  return { asked: { ...defined(asked), arguments: sized(args) }, problems }
}

const camel = (flag: string): string => flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

const engineArguments = (flags: FitFlags): Arguments =>
  Object.fromEntries(
    engineOptions.flatMap(([usage]) => {
      const name = /^--([\w-]+)/.exec(usage)?.[1] ?? ''
      const value = flags[camel(name)]
      return value === undefined ? [] : [[name, value]]
    }),
  )

/** Numbers that decide the answer: an amount that cannot be read would silently count as the default. */
const rules: Readonly<Record<string, (text: string) => unknown>> = {
  'max-model-len': (text) => lengthOf(text),
  'gpu-memory-utilization': (text) => share(text),
  'kv-cache-memory-bytes': (text) => wholeNumber(text) ?? parseBytes(text),
  ...Object.fromEntries(
    ['tensor', 'pipeline', 'data', 'decode-context'].map((kind) => [`${kind}-parallel-size`, (text: string) => positive(text)]),
  ),
  ...Object.fromEntries(['max-num-seqs', 'max-num-batched-tokens', 'block-size'].map((name) => [name, (text: string) => positive(text)])),
}

const argumentProblems = (args: Arguments): readonly string[] =>
  Object.entries(rules).flatMap(([name, read]) => {
    const given = args[name]
    return given === undefined || read(String(given)) !== undefined ? [] : [`--${name} cannot be read, given ${String(given)}`]
  })

const share = (text: string): number | undefined => {
  const value = decimal(text)
  return value !== undefined && value > 0 && value <= 1 ? value : undefined
}

const positive = (text: string): number | undefined => {
  const value = wholeNumber(text)
  return value !== undefined && value > 0 ? value : undefined
}

const lengthOf = (text: string): string | undefined => (text === 'auto' || text === '-1' || positive(text) !== undefined ? text : undefined)

/** Published logs give GiB without a unit. */
const sizeOf = (text: string): number | undefined => {
  const plain = decimal(text)
  return plain !== undefined && plain > 0 && plain < 4096 ? gib(plain) : parseBytes(text)
}

const parametersOf = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*([MBT])?$/i.exec(text)
  return match === null ? undefined : Math.round(Number(match[1]) * ({ m: 1e6, b: 1e9, t: 1e12 }[(match[2] ?? '').toLowerCase()] ?? 1))
}

const cardFor = (name: string, vramBytes: number | undefined): NamedCard | undefined => {
  const known = cardNamed(name)
  if (known !== undefined) return vramBytes === undefined ? known : { ...known, vramBytes }
  return vramBytes === undefined ? undefined : { product: name, gfx: gfxFor(name), vramBytes }
}

const sized = (args: Arguments): Arguments => {
  const given = args['kv-cache-memory-bytes']
  const bytes = typeof given === 'string' ? (wholeNumber(given) ?? parseBytes(given)) : undefined
  return bytes === undefined ? args : { ...args, 'kv-cache-memory-bytes': bytes }
}

const defined = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never

/** Bytes of one parameter by precision, scales included; 2 for what is not quantized. */
const parameterBytes: Readonly<Record<string, number>> = { fp8: 1, int8: 1, int4: 0.52, fp4: 0.5625, fp32: 4 }

/** A model as asked for, and as it would be with 8-bit weights where it has 16. Sentences say what was assumed. */
export type Model = { readonly facts: ModelFacts; readonly converted?: ModelFacts; readonly assumed: readonly string[] }

/** What the model is: its own files, or what the options say they take. */
export const modelOf = (
  config: unknown,
  files: readonly WeightFile[],
  { arguments: args, weightsBytes, parameters }: Asked,
  headers: Headers<StoredTensor> = {},
): Model => {
  const method = typeof args.quantization === 'string' ? args.quantization : undefined
  const other = method === undefined ? undefined : requantized(config, method)
  const own = other ?? config
  const plain = describe(own, [])
  const stated = weightsBytes ?? parametersBytes(plain, parameters)
  const held = other === undefined ? files : []
  const tensors = other === undefined && stated === undefined ? headers.tensors : undefined
  const facts = describe(own, stated === undefined ? held : [...named(files), { path: 'model.safetensors', bytes: stated }], tensors)
  const converted =
    facts.quantization === undefined && /^(?:bf16|fp16)$/.test(facts.precision ?? '') ? requantized(config, 'fp8') : undefined
  return {
    facts,
    ...(converted === undefined ? {} : { converted: describe(converted, []) }),
    assumed: [
      ...(other === undefined ? [] : [`weights counted as a copy quantized by ${method} would have them`]),
      ...(headers.unread === undefined ? [] : [headers.unread]),
      ...(stated === undefined && facts.shape?.source === 'architecture'
        ? ['weights counted from the architecture: no file was there']
        : []),
    ],
  }
}

/** The files that are no weights say what kind of repository it is. */
const named = (files: readonly WeightFile[]): readonly WeightFile[] => files.filter(({ path }) => !/\.(?:safetensors|bin|pt)$/.test(path))

/** An understood, quantized architecture knows better which of its tensors are how wide. */
const parametersBytes = ({ precision = '', shape }: ModelFacts, parameters: number | undefined): number | undefined => {
  if (parameters === undefined) return undefined
  const width = parameterBytes[precision] ?? 2
  return shape !== undefined && width < 2 ? undefined : parameters * width
}
