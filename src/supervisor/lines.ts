import { countLines, type Lines, toLines } from '../std/lines.ts'

/** Longest line kept, in characters; what follows is cut, so that an engine that never breaks a line cannot fill our memory. */
export const maxLineLength = 16_384

/** Takes UTF-8 in any pieces and gives whole lines. */
export type LineSplitter = { readonly push: (bytes: Uint8Array) => void; readonly end: () => void }

/** The most bytes of a character as `length` counts them: three in UTF-8, as those of four count as two. */
const bytesPerCharacter = 3

const newline = 10
const carriageReturn = 13

/**
 * Splits at `\n`, and at `\r` as progress bars use it. `onLines` gets what is whole, each line with its `\n`; empty lines are left out, a line
 * past `limit` is cut. No text is made of what is tidy: the garbage of a flood would be collected many times a second, for which a probe has to wait.
 */
export const splitLines = (onLines: (lines: Lines) => void, limit = maxLineLength): LineSplitter => {
  const mostHeld = bytesPerCharacter * (limit + 1)
  let work = Buffer.alloc(0)
  let held = 0
  const add = (bytes: Uint8Array): Buffer => {
    const length = held + bytes.length
    if (length > work.length) work = Buffer.concat([work.subarray(0, held)], 2 * length)
    work.set(bytes, held)
    return work.subarray(0, length)
  }
  const tidy = (text: string): string =>
    text
      .split(/[\r\n]+/)
      .map((line) => (line === '' ? '' : `${line.length > limit ? `${line.slice(0, limit)}…` : line}\n`))
      .join('')
  const give = (bytes: Buffer, isTidy: boolean): void => {
    const lines = isTidy ? { bytes, count: countLines(bytes) } : toLines(tidy(bytes.toString()))
    if (lines.count > 0) onLines(lines)
  }
  return {
    push: (bytes) => {
      const all = add(bytes)
      const returns = all.includes(carriageReturn)
      const end = Math.max(all.lastIndexOf(newline), returns ? all.lastIndexOf(carriageReturn) : -1) + 1
      // A flood is tidy: to take its lines apart here would cost more than all else that is done with them.
      const short = bytes.length <= limit && all.indexOf(newline) <= limit
      give(all.subarray(0, end), short && !returns && all[0] !== newline && !all.includes('\n\n'))
      held = Math.min(all.length - end, mostHeld)
      work.copyWithin(0, end, end + held)
    },
    end: () => {
      give(work.subarray(0, held), false)
      held = 0
    },
  }
}
