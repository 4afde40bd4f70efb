const sentence =
  "This is AIM Engine's simulator, not a model. It answers every request with these words, one token each, " +
  'so that whatever stands in front of an engine can be tried without one.'

/** The words of one whole answer; each but the first begins with its space, so that they join to a sentence. */
const words = sentence.split(' ').map((word, index) => (index === 0 ? word : ` ${word}`))

/** Tokens of an answer that ends by itself. */
export const naturalLength = words.length

/** The token at a place in the answer; the sentence begins again after its end. */
export const tokenText = (index: number): string =>
  index > 0 && index % words.length === 0 ? ` ${words[0]}` : (words[index % words.length] ?? '')

// FNV-1a, 32 bits: small, even, and the same everywhere.
const hash = (text: string, seed: number): number => {
  let value = 0x811c9dc5 ^ seed
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193)
  return value >>> 0
}

/** One id per word (with its leading space): 0 to 32,767, the same word always the same id. */
export const tokenIds = (text: string): readonly number[] => (text.match(/\s*\S+/g) ?? []).map((word) => hash(word, 0) % 32_768)

/** A vector of length 1 that depends on the text alone. */
export const embed = (text: string, dimensions: number): readonly number[] => {
  const raw = Array.from({ length: dimensions }, (_, index) => hash(text, index + 1) / 2 ** 31 - 1)
  const norm = Math.hypot(...raw) || 1
  return raw.map((value) => value / norm)
}
