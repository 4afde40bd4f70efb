/** Keys of pairs of bytes: as few as fit into a processor's nearest cache. */
const keys = 4096

const keyOf = (first: number, second: number): number => ((first << 5) ^ second) & (keys - 1)

/**
 * A search for any of `fragments` (two bytes each at least) in UTF-8, which skips most of what it reads and makes no garbage: Wu and Manber,
 * "A fast algorithm for multi-pattern searching", University of Arizona TR-94-17.
 */
export const createSearch = (fragments: readonly string[]): ((bytes: Uint8Array) => boolean) => {
  const needles = fragments.map((fragment) => Buffer.from(fragment))
  const least = Math.min(...needles.map(({ length }) => length))
  /** How far the search may go on when it sees a pair of bytes; at 0 a fragment's beginning may end there. */
  const shifts = new Uint8Array(keys).fill(Math.min(least - 1, 255))
  const ending = new Map<number, Uint8Array[]>()
  for (const needle of needles)
    for (let end = 2; end <= least; end++) {
      const key = keyOf(needle[end - 2] ?? 0, needle[end - 1] ?? 0)
      shifts[key] = Math.min(shifts[key] ?? 0, least - end)
      if (end === least) ending.set(key, [...(ending.get(key) ?? []), needle])
    }
  return (bytes) => {
    for (let at = least - 1; at < bytes.length; ) {
      const key = keyOf(bytes[at - 1] ?? 0, bytes[at] ?? 0)
      const shift = shifts[key] ?? 0
      if (shift === 0 && isAnyAt(bytes, at - least + 1, ending.get(key))) return true
      at += Math.max(shift, 1)
    }
    return false
  }
}

const isAnyAt = (bytes: Uint8Array, from: number, needles: readonly Uint8Array[] | undefined): boolean =>
  needles?.some((needle) => needle.every((byte, at) => bytes[from + at] === byte)) === true

/** A token of a pattern's source (a group, a class, an escape, a character) and how often it may come. */
const tokens = /(?<token>\((?:\\.|[^()\\])*\)|\[(?:\\.|[^\]\\])*\]|\\.|.)(?<times>[*+?]\??|\{[^}]*\}\??)?/g
/** One character that stands for itself. */
const plain = /^(?:\\[^A-Za-z\d]|[^\\.^$([])$/

/** The longest plain text in each alternative of `pattern`: whatever matches holds one of them. Its groups must not be nested. */
export const fragmentsOf = ({ source }: RegExp): readonly string[] => {
  const alternatives = [['']]
  for (const { groups } of source.matchAll(tokens)) {
    const { token = '', times } = groups ?? {}
    const runs = alternatives.at(-1) ?? []
    if (token === '|') alternatives.push([''])
    else if (times === undefined && plain.test(token)) runs.push((runs.pop() ?? '') + token.slice(-1))
    else runs.push('')
  }
  return alternatives.map((runs) => runs.reduce((longest, run) => (run.length > longest.length ? run : longest)))
}
