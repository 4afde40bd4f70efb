/** Longest line kept, in characters; what follows is cut, so that an engine that never breaks a line cannot fill our memory. */
export const maxLineLength = 16_384

/** Takes text in any pieces and gives whole lines. */
export type LineSplitter = { readonly push: (text: string) => void; readonly end: () => void }

/** Splits at `\n`, and at `\r` as progress bars use it; empty lines are left out, a line past `limit` is cut. */
export const splitLines = (onLine: (line: string) => void, limit = maxLineLength): LineSplitter => {
  let rest = ''
  const emit = (line: string): void => {
    if (line !== '') onLine(line.length > limit ? `${line.slice(0, limit)}…` : line)
  }
  return {
    push: (text) => {
      const all = rest + text
      // By a pattern it takes twice as long, and a flood has no progress bars.
      const pieces = all.includes('\r') ? all.split(/[\r\n]+/) : all.split('\n')
      rest = (pieces.pop() ?? '').slice(0, limit + 1)
      for (const piece of pieces) emit(piece)
    },
    end: () => {
      emit(rest)
      rest = ''
    },
  }
}
