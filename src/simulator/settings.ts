import { parseWords, type Words } from './arguments.ts'

/** What the simulator was told by `vllm serve`'s own arguments. */
export type ServeSettings = {
  readonly model: string
  /** Names that requests may use; the first one is shown. The model's path when none was given. */
  readonly servedNames: readonly string[]
  readonly host: string
  readonly port: number
  /** Tokens; undefined when the model decides (`auto`, -1, or not given). */
  readonly maxModelLen: number | undefined
  readonly tensorParallelSize: number
  readonly maxNumSeqs: number
  readonly apiKeys: readonly string[]
  readonly loadTracking: boolean
  /** Seconds that running requests are given after SIGTERM; 0 cuts them. */
  readonly shutdownTimeout: number
  readonly enforceEager: boolean
  readonly tls: { readonly keyFile: string; readonly certFile: string } | undefined
  /** Prefix that a proxy in front may leave on paths; empty for none. */
  readonly rootPath: string
  readonly logStats: boolean
  readonly accessLog: boolean
  /** Paths that are kept out of the access log. */
  readonly quietPaths: readonly string[]
  /** Pooling asked for by `--runner pooling` or `--convert embed`. */
  readonly pooling: boolean
  /** A rank without an HTTP server. */
  readonly headless: boolean
  /** Whether a length beyond the model's own is let through. */
  readonly allowLongLength: boolean
  /** The arguments as given, for the log; secrets masked. */
  readonly given: Readonly<Record<string, unknown>>
}

/** What to do with a command line: serve, print a text and end with 0, or say what is wrong and end with 2. */
export type Command =
  | { readonly kind: 'serve'; readonly settings: ServeSettings }
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'usage'; readonly text: string }

/** The version that the simulator behaves like, marked as ours. */
export const version = '0.32.0+simulator'

const usage = 'usage: vllm serve [model_tag] [options]'

const help = `${usage}

AIM Engine's simulator of vLLM's server: same arguments, HTTP surface, log lines, processes and signals; no model.
Arguments that vLLM knows and this program has no use for are accepted. How it behaves, and misbehaves on request,
is set by AIM_SIMULATOR_* variables.
`

// `--max-model-len 32k` is 32,000 and `32K` is 32,768.
const factors: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9, t: 1e12, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

const humanInteger = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)([kmgtKMGT])?$/.exec(text)
  if (match === null) return undefined
  const value = Number(match[1]) * (match[2] === undefined ? 1 : (factors[match[2]] ?? 1))
  return Number.isInteger(value) ? value : Math.floor(value)
}

class UsageError extends Error {}

const text = (words: Words, name: string): string | undefined => {
  const value = words.flags.get(name)
  return typeof value === 'object' ? value[0] : undefined
}

const list = (words: Words, name: string): readonly string[] | undefined => {
  const value = words.flags.get(name)
  return typeof value === 'object' ? value : undefined
}

const integer = (words: Words, name: string, fallback: number): number => {
  const value = text(words, name)
  if (value === undefined) return fallback
  if (!/^[+-]?\d+$/.test(value)) throw new UsageError(`argument --${name}: invalid int value: '${value}'`)
  return Number(value)
}

const lengthOf = (words: Words): number | undefined => {
  const value = text(words, 'max-model-len')
  if (value === undefined || value === 'auto' || value === '-1') return undefined
  const length = humanInteger(value)
  if (length === undefined) throw new UsageError(`argument --max-model-len: invalid human_readable_int_or_auto value: '${value}'`)
  return length
}

const tlsOf = (words: Words): ServeSettings['tls'] => {
  const keyFile = text(words, 'ssl-keyfile')
  const certFile = text(words, 'ssl-certfile')
  return keyFile !== undefined && certFile !== undefined ? { keyFile, certFile } : undefined
}

const shownValue = (name: string, value: readonly string[] | boolean): unknown => {
  if (name === 'api-key') return '***'
  if (typeof value === 'boolean') return value
  if (name === 'served-model-name') return value
  return value.length === 1 ? (/^-?\d+$/.test(value[0] ?? '') ? Number(value[0]) : value[0]) : value
}

const givenOf = (words: Words, model: string): ServeSettings['given'] => ({
  ...(words.positionals[0] === undefined ? {} : { model_tag: words.positionals[0] }),
  ...Object.fromEntries([...words.flags].map(([name, value]) => [name.replaceAll('-', '_'), shownValue(name, value)])),
  model,
})

/** What vLLM serves when it is not told a model. */
const defaultModel = 'Qwen/Qwen3-0.6B'

const read = (words: Words, environment: Readonly<Record<string, string | undefined>>): ServeSettings => {
  const on = (name: string) => words.flags.get(name) === true
  const model = words.positionals[0] ?? text(words, 'model') ?? defaultModel
  const key = environment.VLLM_API_KEY
  return {
    model,
    servedNames: list(words, 'served-model-name') ?? [model],
    host: text(words, 'host') ?? '0.0.0.0',
    port: integer(words, 'port', 8000),
    maxModelLen: lengthOf(words),
    tensorParallelSize: integer(words, 'tensor-parallel-size', 1),
    maxNumSeqs: integer(words, 'max-num-seqs', 256),
    apiKeys: list(words, 'api-key') ?? (key === undefined || key === '' ? [] : [key]),
    loadTracking: on('enable-server-load-tracking'),
    shutdownTimeout: integer(words, 'shutdown-timeout', 0),
    enforceEager: on('enforce-eager'),
    tls: tlsOf(words),
    rootPath: (text(words, 'root-path') ?? '').replace(/\/$/, ''),
    logStats: !on('disable-log-stats'),
    accessLog: !on('disable-uvicorn-access-log'),
    quietPaths: (text(words, 'disable-access-log-for-endpoints') ?? '').split(',').map((path) => path.trim()),
    pooling: text(words, 'runner') === 'pooling' || text(words, 'convert') === 'embed',
    headless: on('headless'),
    allowLongLength: environment.VLLM_ALLOW_LONG_MAX_MODEL_LEN === '1',
    given: givenOf(words, model),
  }
}

const failed = (program: string, message: string): Command => ({ kind: 'usage', text: `${usage}\n${program}: error: ${message}\n` })

/** Reads the words after `serve` and the two variables of vLLM's that stand for an argument; every refusal is worded as argparse words it. */
export const readCommand = (argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Command => {
  if (argv.some((word) => /^(-h|--help(=.*)?)$/.test(word))) return { kind: 'print', text: help }
  if (argv.some((word) => word === '-v' || word === '--version')) return { kind: 'print', text: `${version}\n` }
  const parsed = parseWords(argv)
  // Unknown words are refused by the top-level parser, anything else by the one of `serve`: hence the two names.
  if (!parsed.ok) return failed(parsed.message.startsWith('unrecognized') ? 'vllm' : 'vllm serve', parsed.message)
  try {
    return { kind: 'serve', settings: read(parsed.words, environment) }
  } catch (error) {
    if (error instanceof UsageError) return failed('vllm serve', error.message)
    throw error
  }
}
