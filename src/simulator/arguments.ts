import { type FlagKind, flagAliases, flagKinds } from './flags.ts'

/** The command line by name: long flag names without dashes to the words after them, or to whether a boolean is on. The last one given wins. */
export type Words = { readonly flags: ReadonlyMap<string, readonly string[] | boolean>; readonly positionals: readonly string[] }

/** What argparse would make of a command line: the words, or the sentence after `error: ` (exit code 2). */
export type ParsedWords = { readonly ok: true; readonly words: Words } | { readonly ok: false; readonly message: string }

type Flag = { readonly name: string; readonly kind: FlagKind; readonly on: boolean }

// argparse takes a word that starts with a dash for a value when it is a number.
const isFlag = (word: string): boolean => word.startsWith('-') && word !== '-' && !/^-(\d+|\d*\.\d+)$/.test(word)

const exact = (name: string): Flag | undefined => {
  const long = flagAliases[name] ?? name
  const kind = flagKinds.get(long)
  if (kind !== undefined) return { name: long, kind, on: true }
  const positive = name.replace(/^no-/, '')
  return positive !== name && flagKinds.get(positive) === 'boolean' ? { name: positive, kind: 'boolean', on: false } : undefined
}

const withPrefix = (prefix: string): readonly string[] =>
  [...flagKinds].flatMap(([name, kind]) => [name, ...(kind === 'boolean' ? [`no-${name}`] : [])]).filter((name) => name.startsWith(prefix))

/** A flag as written, without its value: exact, dotted (`--compilation-config.mode`), or an unambiguous beginning; candidates when it is ambiguous. */
const resolve = (written: string): Flag | undefined | readonly string[] => {
  const name = written.replace(/^--?/, '').replaceAll('_', '-')
  const known = exact(name.replace(/\..*$/, ''))
  if (known !== undefined || !written.startsWith('--')) return known
  const candidates = withPrefix(name)
  return candidates.length > 1 ? candidates : exact(candidates[0] ?? '')
}

// `-O2` is the one short flag that carries its value in the same word.
const splitWord = (word: string): readonly [string, string | undefined] => {
  if (/^-O\d$/.test(word)) return ['-O', word.slice(2)]
  const at = word.indexOf('=')
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

const isSwitch = (kind: FlagKind): boolean => kind === 'boolean' || kind === 'switch'

const shown = (flag: Flag): string =>
  [
    `--${flag.name}`,
    ...Object.keys(flagAliases)
      .filter((alias) => flagAliases[alias] === flag.name && !alias.includes('-'))
      .map((alias) => `-${alias}`),
  ].join('/')

const wrong = (flag: Flag, inline: string | undefined, values: readonly string[]): string | undefined => {
  if (isSwitch(flag.kind)) return inline === undefined ? undefined : `argument ${shown(flag)}: ignored explicit argument '${inline}'`
  if (values.length > 0 || flag.kind === 'optional') return undefined
  return `argument ${shown(flag)}: expected ${flag.kind === 'list' ? 'at least one argument' : 'one argument'}`
}

const following = (argv: readonly string[], start: number, kind: FlagKind): readonly string[] => {
  if (isSwitch(kind)) return []
  const rest = argv.slice(start)
  const next = rest.findIndex(isFlag)
  return rest.slice(0, Math.min(next === -1 ? rest.length : next, kind === 'list' ? Number.POSITIVE_INFINITY : 1))
}

/**
 * Reads the words after `vllm serve` as its argparse does: `_` for `-`, `--x=v`, `--no-x`, unambiguous beginnings, lists that swallow the
 * words after them, one positional, and unknown words collected into one error.
 */
export const parseWords = (argv: readonly string[]): ParsedWords => {
  const flags = new Map<string, readonly string[] | boolean>()
  const positionals: string[] = []
  const unrecognized: string[] = []
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    if (!isFlag(word)) {
      ;(positionals.length === 0 ? positionals : unrecognized).push(word)
      continue
    }
    const [written, inline] = splitWord(word)
    const flag = resolve(written)
    if (flag === undefined) unrecognized.push(word)
    else if (!('kind' in flag)) return { ok: false, message: ambiguous(written, flag) }
    else {
      const values = inline === undefined ? following(argv, index + 1, flag.kind) : [inline]
      const message = wrong(flag, inline, values)
      if (message !== undefined) return { ok: false, message }
      flags.set(flag.name, isSwitch(flag.kind) ? flag.on : values)
      index += inline === undefined ? values.length : 0
    }
  }
  if (unrecognized.length > 0) return { ok: false, message: `unrecognized arguments: ${unrecognized.join(' ')}` }
  return { ok: true, words: { flags, positionals } }
}

const ambiguous = (written: string, candidates: readonly string[]): string =>
  `ambiguous option: ${written} could match ${candidates.map((name) => `--${name}`).join(', ')}`
