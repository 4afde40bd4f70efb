/** Lines of a text in which each has its `\n`; what follows the last is one more. */
export const linesOf = (text: string): readonly string[] => (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')

/** How many lines a text has; one that was begun counts. Bytes of UTF-8 will do too. */
export const countLines = (text: string | Uint8Array): number => {
  const newline = (from: number): number => (typeof text === 'string' ? text.indexOf('\n', from) : text.indexOf(10, from))
  let count = 0
  let from = 0
  while (from < text.length) {
    const found = newline(from)
    count++
    from = found === -1 ? text.length : found + 1
  }
  return count
}
