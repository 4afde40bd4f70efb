/** One step of the scan: what is read so far, whether a word is open, and by which quote. */
type Scan = { words: string[]; word: string | undefined; quote: '"' | "'" | undefined; escaped: boolean }

/**
 * Splits text into words as a POSIX shell does (single and double quotes, backslashes; XCU 2.2), without expanding anything.
 * Undefined when a quote is not closed or the text ends in a backslash.
 */
export const splitWords = (text: string): readonly string[] | undefined => {
  const scan: Scan = { words: [], word: undefined, quote: undefined, escaped: false }
  for (const character of text) step(scan, character)
  if (scan.quote !== undefined || scan.escaped) return undefined
  return scan.word === undefined ? scan.words : [...scan.words, scan.word]
}

const step = (scan: Scan, character: string): void => {
  if (scan.escaped) {
    // Inside double quotes a backslash only escapes what would otherwise end or mean something there.
    const literal = scan.quote === '"' && !'"\\$`'.includes(character) ? `\\${character}` : character
    append(scan, literal)
    scan.escaped = false
  } else if (character === '\\' && scan.quote !== "'") scan.escaped = true
  else if (scan.quote === character) scan.quote = undefined
  else if (scan.quote === undefined && (character === '"' || character === "'")) {
    scan.quote = character
    append(scan, '')
  } else if (scan.quote === undefined && /\s/.test(character)) close(scan)
  else append(scan, character)
}

const append = (scan: Scan, piece: string): void => {
  scan.word = (scan.word ?? '') + piece
}

const close = (scan: Scan): void => {
  if (scan.word !== undefined) scan.words.push(scan.word)
  scan.word = undefined
}

/** A word as a POSIX shell reads it back, in single quotes where it must be. */
export const quoteWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
