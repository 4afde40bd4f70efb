/** Whether a module's name is on a quantization's list. */

/** Answers for one name. */
export type NameMatcher = (name: string) => boolean

/** The parts that wrappers put before a decoder's layers. */
const wrappers = /^(?:model\.|language_model\.|text_model\.|llm\.|thinker\.)+/

/** Spellings of one part of a layer in different checkpoints. */
const plainName = (name: string): string =>
  name
    .replace(wrappers, '')
    .replace(/\bblock_sparse_moe\b/g, 'mlp')
    .replace(/\bshared_expert\b/g, 'shared_experts')
    .replace(/\brouter\b/g, 'gate')

/**
 * Matches names against a list as the engines do: `re:` is a regular expression, `*` stands for anything, a whole name stands for what is
 * below it, and a last part (`gate`, `lm_head`) for every module that ends with it. A list that says itself that it is abridged ("... 283
 * entries in total") stands for all layers.
 */
export const matcherOf = (entries: readonly string[]): NameMatcher => {
  const abridged = entries.some((entry) => entry.startsWith('... '))
  const [exact, patterns] = [new Set<string>(), [] as RegExp[]]
  for (const entry of entries) {
    if (entry.startsWith('re:')) patterns.push(expression(entry.slice(3)))
    else if (entry.includes('*')) patterns.push(expression(`^${globbed(plainName(entry))}`))
    else if (abridged && /layers\.\d+\./.test(entry)) patterns.push(expression(`^${anyLayer(plainName(entry))}(?:\\.|$)`))
    else exact.add(plainName(entry))
  }
  return (name) => {
    const own = plainName(name)
    return listed(own, exact) || patterns.some((pattern) => pattern.test(own) || pattern.test(name))
  }
}

const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
const globbed = (text: string): string => text.split('*').map(escaped).join('.*')
const anyLayer = (text: string): string => escaped(text).replace(/layers\\\.\d+/, 'layers\\.\\d+')

/** A pattern that is none matches nothing: the file is the user's, and a plan must come out all the same. */
const expression = (source: string): RegExp => {
  try {
    return new RegExp(source)
  } catch {
    return /(?!)/
  }
}

/** The name itself, anything above it, or its last parts. */
const listed = (name: string, exact: ReadonlySet<string>): boolean => {
  if (exact.size === 0) return false
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
    if (exact.has(name.slice(0, dot)) || exact.has(name.slice(dot + 1))) return true
  return exact.has(name)
}
