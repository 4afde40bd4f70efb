/** Whole lines as they came: UTF-8, each with its `\n`, and how many they are. The bytes are only lent: whoever keeps them copies them. */
export type Lines = { readonly bytes: Buffer; readonly count: number }

/** Lines of a text in which each has its `\n`; what follows the last is one more. */
export const linesOf = (text: string): readonly string[] => (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')

/** A text as `Lines`. */
export const toLines = (text: string): Lines => {
  const bytes = Buffer.from(text)
  return { bytes, count: countLines(bytes) }
}

const newline = 10
/** Four of them, and the two masks of Mycroft's test whether any byte of a word is zero. */
const [newlines, ones, tops] = [0x0a0a0a0a, 0x01010101, 0x80808080]

/** How many lines UTF-8 has; one that was begun counts. Four bytes at a time, as a flood is counted. */
export const countLines = (bytes: Uint8Array): number => {
  // Words lie at multiples of four.
  const head = Math.min(bytes.length, -bytes.byteOffset & 3)
  const words = (bytes.length - head) >> 2
  const tail = head + 4 * words
  const inWords = words === 0 ? 0 : countWords(new Int32Array(bytes.buffer, bytes.byteOffset + head, words))
  const ends = countOneByOne(bytes, 0, head) + inWords + countOneByOne(bytes, tail, bytes.length)
  return ends + Number(bytes.length > 0 && bytes.at(-1) !== newline)
}

const countWords = (words: Int32Array): number => {
  let count = 0
  // A loop by index: an iterator costs as much again as all else here.
  for (let at = 0; at < words.length; at++) {
    const word = (words[at] ?? 0) ^ newlines
    if (((word - ones) & ~word & tops) === 0) continue
    count += Number((word & 0xff) === 0) + Number((word & 0xff00) === 0) + Number((word & 0xff0000) === 0) + Number(word >>> 24 === 0)
  }
  return count
}

const countOneByOne = (bytes: Uint8Array, from: number, to: number): number => {
  let count = 0
  for (let at = from; at < to; at++) if (bytes[at] === newline) count++
  return count
}
