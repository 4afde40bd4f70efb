import { exitCodes } from '../std/exit-codes.ts'
import type { ExitMeaning } from './adapter.ts'
import type { Cause, Remedy } from './cause.ts'
import { causes } from './causes.ts'
import { type Complaint, complaintsOf } from './complaints.ts'
import { type LogLine, readLine } from './log-lines.ts'
import { evidenceOf } from './shown-lines.ts'

/** How a process ended, and what the kernel tells about it. */
export type Ended = {
  readonly code: number | null
  readonly signal: string | null
  /** Processes of this container that the kernel killed for memory while the engine ran (`oom_kill` of the cgroup); undefined when unknown. */
  readonly oomKills?: number
}

/** argparse's code for a command line it refuses; trying again cannot help. */
const usageCode = 2

/** Exit code of each kind of remedy; `retry` keeps the engine's own. */
const codes: Readonly<Record<Remedy, number | undefined>> = {
  configure: exitCodes.config,
  permit: exitCodes.permission,
  'change-machine': exitCodes.unavailable,
  'mend-files': exitCodes.storage,
  'mend-storage': exitCodes.storage,
  'try-later': exitCodes.temporary,
  retry: undefined,
}

/** Another try cannot help where a person has to change something first. */
const permanent: ReadonlySet<Remedy> = new Set<Remedy>(['configure', 'permit', 'change-machine', 'mend-files'])

/** What only passes on that something else failed (vllm/v1/engine, vllm/v1/executor, 0.32), or that nobody is at the other end of a pipe any more. */
const wrapper =
  /Engine core initialization failed|process failed during engine core initialization|initialization failed due to an exception|Worker failed with error|Call to \w+ method failed|EngineDeadError|RuntimeError: (?:cancelled|Executor failed|cannot schedule new futures)|^SystemExit|^KeyboardInterrupt|^BrokenPipeError|^ConnectionResetError|^EOFError$/

type Weight = NonNullable<Cause['weight']>
type Found = { readonly rule: Cause; readonly complaint: Complaint; readonly groups: Readonly<Record<string, string | undefined>> }

/**
 * Names the cause of an engine's end from its last lines. A rule that names a root cause wins over a general one, which wins over one
 * that only sees a consequence; among equals the earliest complaint wins. `served`: the engine had been ready, so that its API server's
 * lines may hold what users sent, and only rules for an engine that was serving are asked.
 */
export const explainExit = (ended: Ended, lines: readonly string[], served: boolean): ExitMeaning => {
  const shown = served ? lines.filter((line) => !mayHoldUsersText(readLine(line))) : lines
  const complaints = [...complaintsOf(shown), ...ofTheEnd(ended, shown.length)]
  // An error that no rule knows still says more than what it led to.
  const raised = served ? undefined : complaints.findLast(({ text, frames }) => frames !== undefined && !wrapper.test(text))
  const asked: readonly [Weight, readonly Complaint[]][] = [
    ['root', complaints],
    ['general', complaints],
    ['stage', raised === undefined ? [] : [raised]],
    ['consequence', raised === undefined ? complaints : []],
  ]
  for (const [weight, among] of asked) {
    const rules = causes.filter((rule) => (rule.weight ?? 'root') === weight && (!served || rule.whileServing))
    const found = firstOf(rules, among)
    if (found !== undefined) return meaningOf(found, shown, complaints)
  }
  return unknownMeaning(ended, shown, complaints, raised, served)
}

/** The API server is the process that reads requests; of its lines only what vLLM says of its own end is kept. */
const mayHoldUsersText = ({ process, text }: LogLine): boolean => /^api_?server/i.test(process) && !text.startsWith('[shutdown] ')

/** What the end itself tells, as complaints after the last line. */
const ofTheEnd = ({ signal, oomKills = 0 }: Ended, at: number): readonly Complaint[] => [
  ...(oomKills > 0 ? [said(at, `the kernel killed ${oomKills} for memory`)] : []),
  ...(signal === null ? [] : [said(at, `the engine was ended by ${signal}`)]),
]

const said = (at: number, text: string): Complaint => ({ at, process: '', text, block: text })

const firstOf = (rules: readonly Cause[], complaints: readonly Complaint[]): Found | undefined => {
  for (const complaint of complaints) {
    for (const rule of rules) {
      const within = rule.within?.exec(complaint.frames ?? '')
      if (within === null) continue
      const match = rule.pattern.exec(complaint.block)
      if (match !== null) return { rule, complaint, groups: { ...within?.groups, ...match.groups } }
    }
  }
  return undefined
}

const meaningOf = ({ rule, complaint, groups }: Found, lines: readonly string[], complaints: readonly Complaint[]): ExitMeaning => {
  const fill = (text: string): string =>
    text
      .replace(/\$<(\w+)>/g, (_, name: string) => shortened(groups[name] ?? ''))
      // What stood in parentheses and was not said.
      .replace(/ \((?:[^()$]*[: ])?\)/g, '')
      .replace(/ {2,}/g, ' ')
      .replace(/[:\s]+$/, '')
      .trim()
  const exitCode = codes[rule.remedy]
  return {
    cause: rule.cause,
    sentence: fill(rule.sentence),
    fix: fill(rule.fix),
    permanent: permanent.has(rule.remedy),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(rule.fitsContext && groups.fits !== undefined ? { fittingContext: Number(groups.fits) } : {}),
    // An error without a word is told by where it was raised.
    evidence: evidenceOf(lines, complaints, complaint, rule.weight === 'stage' && !complaint.text.includes(': ')),
  }
}

const unknownMeaning = (
  { code, signal }: Ended,
  lines: readonly string[],
  complaints: readonly Complaint[],
  raised: Complaint | undefined,
  served: boolean,
): ExitMeaning => {
  const ended =
    code === null && signal === null
      ? 'failed'
      : `${signal === null ? `exited with code ${code}` : `was ended by ${signal}`} without being asked to`
  return {
    cause: 'unknown',
    sentence: `the engine ${ended}${raised === undefined ? '' : `: ${shortened(raised.text)}`}`,
    permanent: !served && code === usageCode,
    evidence: evidenceOf(lines, complaints, raised, true),
  }
}

/** Lists of every known name make some lines longer than a screen. */
const shortened = (text: string): string => {
  const line = text.trim().replaceAll(/\s*\n\s*/g, ' ')
  return line.length > 300 ? `${line.slice(0, 300)} ...` : line
}
