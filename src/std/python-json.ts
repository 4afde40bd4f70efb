/** A text, or one of the three number words that Python writes and JSON has not. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g

/** 1e999 is beyond the largest number, which JSON.parse reads as Infinity; NaN has no such spelling. */
const spellings: Readonly<Record<string, string>> = { Infinity: '1e999', '-Infinity': '-1e999', NaN: 'null' }

/**
 * Parses JSON as Python's json module writes it: Infinity, -Infinity and NaN (which becomes null) are numbers there, and a few config.json
 * on the hub hold them. Throws a SyntaxError for anything else that is no JSON.
 */
export const parsePythonJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return JSON.parse(text.replace(tokens, (token) => spellings[token] ?? token)) as unknown
  }
}
