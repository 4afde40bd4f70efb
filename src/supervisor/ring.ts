import { type Lines, linesOf } from '../std/lines.ts'

/** The last lines of an engine: bounded, so that a flood costs nothing but what it pushed out. */
export type Ring = {
  readonly push: (lines: Lines) => void
  readonly lines: () => readonly string[]
}

/** Bytes in a block of what is kept. */
const blockBytes = 65_536

/** Lines as bytes: kept as strings they would be copied by every collection of garbage, for which a probe has to wait. */
type Block = { readonly bytes: Buffer; end: number; lines: number }

/** A ring of at most `size` lines. They are kept as they came: to take them apart is only worth it when they are asked for. */
export const createRing = (size: number): Ring => {
  const kept: Block[] = []
  let count = 0
  /** A block that was forgotten, for the next one to be kept. */
  let spare: Block | undefined

  const blockFor = (bytes: number): Block => {
    const last = kept.at(-1)
    if (last && last.end + bytes <= last.bytes.length) return last
    const reused = spare && bytes <= spare.bytes.length ? spare.bytes : undefined
    spare = undefined
    const fresh = { bytes: reused ?? Buffer.allocUnsafeSlow(Math.max(bytes, blockBytes)), end: 0, lines: 0 }
    kept.push(fresh)
    return fresh
  }
  const forget = (): void => {
    spare = kept.shift()
    count -= spare?.lines ?? 0
  }
  return {
    push: (lines) => {
      const block = blockFor(lines.bytes.length)
      block.bytes.set(lines.bytes, block.end)
      block.end += lines.bytes.length
      block.lines += lines.count
      count += lines.count
      while (count - (kept[0]?.lines ?? count) >= size) forget()
    },
    lines: () => (count === 0 ? [] : linesOf(kept.map(({ bytes, end }) => bytes.toString('utf8', 0, end)).join('')).slice(-size)),
  }
}
