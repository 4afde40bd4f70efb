import type { ExitMeaning } from './adapter.ts'
import { type Cause, causes } from './causes.ts'

/** Lines of evidence shown around the one that names the cause. */
const evidenceLines = 10

/** argparse's code for a command line it refuses; trying again cannot help. */
const usageCode = 2

/** How a process ended. */
type Ended = { readonly code: number | null; readonly signal: string | null }

/** Names the cause of an engine's end from its last lines: the first rule that any line matches, in the rules' order of trust. */
export const explainExit = (exit: Ended, lines: readonly string[], served: boolean): ExitMeaning => {
  for (const rule of causes) {
    if (served && !rule.whileServing) continue
    const at = lines.findIndex((line) => rule.pattern.test(line))
    if (at !== -1) return meaningOf(rule, lines, at)
  }
  return {
    cause: 'unknown',
    sentence: exit.signal === null ? `the engine exited with code ${exit.code}` : `the engine was ended by ${exit.signal}`,
    permanent: !served && exit.code === usageCode,
    evidence: lines.slice(-evidenceLines),
  }
}

const meaningOf = (rule: Cause, lines: readonly string[], at: number): ExitMeaning => {
  const groups = rule.pattern.exec(lines[at] ?? '')?.groups ?? {}
  const fill = (text: string): string => text.replace(/\$<(\w+)>/g, (_, name: string) => groups[name] ?? '').trim()
  return {
    cause: rule.cause,
    sentence: fill(rule.sentence),
    fix: fill(rule.fix),
    permanent: rule.permanent,
    evidence: lines.slice(Math.max(0, at - 3), at - 3 + evidenceLines),
  }
}
