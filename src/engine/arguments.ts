import type { Json } from '../std/json.ts'

/**
 * Renders engine arguments as vLLM's parser reads them (vllm/utils/argparse_utils.py, 0.32): `true` is the bare flag, `false` its
 * `--no-` form, null drops it, a list is several words after one flag, an object is one JSON word.
 */
export const renderArguments = (options: Readonly<Record<string, Json>>): readonly string[] =>
  Object.entries(options).flatMap(([name, value]) => renderArgument(canonicalName(name), value))

/**
 * `max_model_len`, `--max-model-len` and `max-model-len` are one argument. After the first dot come keys of a JSON value, which keep
 * their underscores.
 */
export const canonicalName = (name: string): string => name.replace(/^-+/, '').replace(/^[^.]*/, (holder) => holder.replaceAll('_', '-'))

const renderArgument = (name: string, value: Json): readonly string[] => {
  if (value === null) return []
  if (value === true) return [`--${name}`]
  if (value === false) return [`--no-${name}`]
  if (Array.isArray(value)) return [`--${name}`, ...value.map(word)]
  return [`--${name}`, word(value)]
}

const word = (value: Json): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

/** Values given to a long flag anywhere in `argv`, the last occurrence counting as argparse has it; undefined when it is absent. */
export const valuesOf = (argv: readonly string[], name: string): readonly string[] | undefined => {
  const at = argv.findLastIndex((text) => text.startsWith('--') && canonicalName(text.split('=', 1)[0] ?? '') === name)
  if (at === -1) return undefined
  const [, inline] = (argv[at] ?? '').split(/=(.*)/s)
  if (inline !== undefined) return [inline]
  const rest = argv.slice(at + 1)
  const end = rest.findIndex((text) => text.startsWith('--'))
  return end === -1 ? rest : rest.slice(0, end)
}

/** `argv` with a long flag that takes one value set to `value`, wherever and however often it was given before. */
export const withValue = (argv: readonly string[], name: string, value: string): readonly string[] => {
  const isIt = (text: string | undefined): boolean => text?.startsWith('--') === true && canonicalName(text.split('=', 1)[0] ?? '') === name
  const kept = argv.filter((text, at) => !isIt(text) && !(isIt(argv[at - 1]) && !argv[at - 1]?.includes('=') && !text.startsWith('--')))
  return [...kept, `--${name}`, value]
}
