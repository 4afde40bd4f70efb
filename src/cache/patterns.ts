const literal = /[\\^$.*+?()[\]{}|/-]/g

const bracket = (token: string): string => {
  const body = token.slice(1, -1).replace(/[\\^[\]]/g, '\\$&')
  return body.startsWith('!') ? `[^${body.slice(1)}]` : `[${body}]`
}

const translate = (token: string): string => {
  if (token === '*') return '.*'
  if (token === '?') return '.'
  return token.length > 1 ? bracket(token) : token.replace(literal, '\\$&')
}

const compile = (pattern: string): RegExp => {
  const glob = pattern.endsWith('/') ? `${pattern}*` : pattern
  const source = glob.replace(/\[!?\]?[^\]]*\]|[\s\S]/g, translate)
  return new RegExp(`^${source}$`, 's')
}

/**
 * A test for file names against glob patterns, with huggingface_hub's meaning so that its users can keep theirs: Python's
 * fnmatch on the whole path (`*` crosses `/`), a pattern that ends in `/` takes the directory. No patterns match every name.
 */
export const matcher = (patterns: readonly string[]): ((path: string) => boolean) => {
  const compiled = patterns.map(compile)
  return (path) => compiled.length === 0 || compiled.some((pattern) => pattern.test(path))
}

/** What two pulls asked for together; no patterns ask for everything. */
export const mergePatterns = (a: readonly string[], b: readonly string[]): readonly string[] =>
  a.length === 0 || b.length === 0 ? [] : [...new Set([...a, ...b])].sort()
