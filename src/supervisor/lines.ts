/** Longest line kept, in characters; what follows is cut, so that an engine that never breaks a line cannot fill our memory. */
export const maxLineLength = 16_384

/** Takes text in any pieces and gives whole lines. */
export type LineSplitter = { readonly push: (text: string) => void; readonly end: () => void }

/**
 * Splits at `\n`, and at `\r` as progress bars use it. `onLines` gets what is whole, each line with its `\n`; empty lines are left out, a line
 * past `limit` is cut.
 */
export const splitLines = (onLines: (text: string) => void, limit = maxLineLength): LineSplitter => {
  let rest = ''
  const tidy = (text: string): string =>
    text
      .split(/[\r\n]+/)
      .map((line) => (line === '' ? '' : `${line.length > limit ? `${line.slice(0, limit)}…` : line}\n`))
      .join('')
  const give = (text: string, isTidy: boolean): void => {
    const lines = isTidy ? text : tidy(text)
    if (lines !== '') onLines(lines)
  }
  return {
    push: (text) => {
      const all = rest + text
      const returns = all.includes('\r')
      const end = Math.max(all.lastIndexOf('\n'), returns ? all.lastIndexOf('\r') : -1) + 1
      // A flood is tidy: to take its lines apart here would cost more than all else that is done with them.
      const short = text.length <= limit && all.indexOf('\n') <= limit
      give(all.slice(0, end), short && !returns && !all.startsWith('\n') && !all.includes('\n\n'))
      rest = all.slice(end, end + limit + 1)
    },
    end: () => {
      give(rest, false)
      rest = ''
    },
  }
}
