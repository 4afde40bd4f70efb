/** Bytes that Kubernetes keeps of a termination message (terminationMessagePath, kubelet). */
const maxBytes = 4096

/** Where an exit code comes from. */
export type Whose = 'aim' | 'engine' | 'killed'

const owners: Readonly<Record<Whose, string>> = { aim: 'of AIM Engine', engine: "the engine's", killed: 'AIM Engine killed the engine' }

/** What is said at the end of a failed run. */
export type LastWords = {
  readonly exitCode: number
  /** `killed`: the engine's, but of our own SIGKILL. */
  readonly whose: Whose
  readonly sentence: string
  readonly fix?: string
  readonly evidence?: readonly string[]
}

/** Everything: whose code it is, the cause, the fix, the lines that show it. */
export const formatLastWords = ({ exitCode, whose, sentence, fix, evidence = [] }: LastWords): string => {
  const lines = evidence.length === 0 ? [] : ["the engine's lines:", ...evidence.map((line) => `  ${line.slice(0, 300)}`)]
  return `${[`exit code ${exitCode} (${owners[whose]}): ${sentence}`, ...(fix === undefined ? [] : [`fix: ${fix}`]), ...lines].join('\n')}\n`
}

/** What went wrong after the cause of an end is said after it; the cause, its fix and its evidence stay the first thing said. */
export const joinWords = (first: LastWords | undefined, later: LastWords): LastWords =>
  first === undefined ? later : { ...first, sentence: `${first.sentence}; ${later.sentence}` }

/** The same within 4096 bytes: the oldest evidence goes first, then the end of the sentence; the fix stays. */
export const fitLastWords = (words: LastWords): string => {
  const text = formatLastWords(words)
  const excess = Buffer.byteLength(text) - maxBytes
  if (excess <= 0) return text
  const { evidence = [], sentence } = words
  if (evidence.length > 0) return fitLastWords({ ...words, evidence: evidence.slice(1) })
  // The mark of the cut and a character that the cut would split take a few bytes more.
  const kept = Buffer.from(sentence).subarray(0, Math.max(0, Buffer.byteLength(sentence) - excess - 8))
  return formatLastWords({ ...words, sentence: `${kept.toString().replace(/\uFFFD+$/, '')} ...` }).slice(0, maxBytes)
}
