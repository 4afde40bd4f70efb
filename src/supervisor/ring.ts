import { countLines, linesOf } from '../std/lines.ts'

/** The last lines of an engine: bounded, so that a flood costs nothing but what it pushed out. */
export type Ring = {
  /** Whole lines, each with its `\n`. */
  readonly push: (text: string) => void
  readonly lines: () => readonly string[]
}

/** A ring of at most `size` lines. Texts are kept as they came: to take them apart is only worth it when they are asked for. */
export const createRing = (size: number): Ring => {
  const kept: { readonly text: string; readonly lines: number }[] = []
  let count = 0
  return {
    push: (text) => {
      const lines = countLines(text)
      kept.push({ text, lines })
      count += lines
      while (count - (kept[0]?.lines ?? count) >= size) count -= kept.shift()?.lines ?? 0
    },
    lines: () => (count === 0 ? [] : linesOf(kept.map(({ text }) => text).join('')).slice(-size)),
  }
}
