import type { Complaint } from './complaints.ts'
import { readLine } from './log-lines.ts'

/** Lines of evidence shown with a cause, and how long one may be, in characters. */
const evidenceLines = 10
const evidenceLength = 300

/** What stands around an error in every failure and tells nothing. */
const noise =
  /^(?:\s+File ".*|\s*warnings\.warn.*|WorkerProc failed to start\.|WorkerProc hit an exception\.|EngineCore failed to start\.|Process \w+:|\s*For further information visit .*|.*initialization failed due to an exception in a background .*)$/

/**
 * The lines that matter: the one that names the cause with what belongs to it first, then what else was complained about, in order, each
 * once; of a traceback's frames none but the innermost of an error that has no name yet. Without any complaint: the last lines as they are.
 */
export const evidenceOf = (
  lines: readonly string[],
  complaints: readonly Complaint[],
  named: Complaint | undefined,
  nameless = false,
): readonly string[] => {
  const innermost = (nameless ? named : undefined)?.frames?.split('\n').findLast((frame) => /^\s+File "/.test(frame))
  const first = named === undefined ? [] : [...(innermost === undefined ? [] : [innermost.trim()]), ...named.block.split('\n')]
  const others = complaints.filter(({ at }) => named === undefined || at > named.at).map(({ text }) => text)
  const said = [...new Set([...first, ...others].map((line) => line.trimEnd()).filter((line) => line !== '' && !noise.test(line)))].slice(
    0,
    evidenceLines,
  )
  const shown = said.length === 0 ? lines.slice(-evidenceLines).map((line) => readLine(line).text) : said
  return shown.map((line) => (line.length > evidenceLength ? `${line.slice(0, evidenceLength)} ...` : line))
}
