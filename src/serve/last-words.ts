/** Bytes that Kubernetes keeps of a termination message (terminationMessagePath, kubelet). */
const maxBytes = 4096

/** What is said at the end of a failed run. */
export type LastWords = {
  readonly exitCode: number
  readonly whose: 'aim' | 'engine'
  readonly sentence: string
  readonly fix?: string
  readonly evidence?: readonly string[]
}

/** One screen: whose code it is, the cause, the fix, the lines that show it; at most 4096 bytes, the evidence being cut first. */
export const formatLastWords = ({ exitCode, whose, sentence, fix, evidence = [] }: LastWords): string => {
  const head = [
    `exit code ${exitCode} (${whose === 'engine' ? "the engine's" : 'of AIM Engine'}): ${sentence}`,
    ...(fix === undefined ? [] : [`fix: ${fix}`]),
  ].join('\n')
  const lines = evidence.length === 0 ? '' : `\nthe engine's lines:\n${evidence.map((line) => `  ${line.slice(0, 300)}`).join('\n')}`
  return `${Buffer.from(`${head}${lines}`)
    .subarray(0, maxBytes - 1)
    .toString()
    .replace(/\uFFFD+$/, '')}\n`
}
