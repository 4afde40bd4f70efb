import { isHealthy, type LogLine, readLine } from './log-lines.ts'

/** One thing an engine complains about: the last line of a traceback, an error record, or raw output of a driver or compiler. */
export type Complaint = {
  /** Index of its line. */
  readonly at: number
  readonly process: string
  readonly text: string
  /** `text` and what directly follows it in the same process, by lines: several libraries put the reason below the headline. */
  readonly block: string
  /** It ended a traceback, whose frames these are, in one text. */
  readonly frames?: string
}

/** Lines that follow a headline and still belong to it. */
const blockLines = 8

const begins = /^\s*(?:[+|] )*(?:Exception Group )?Traceback \(most recent call last\):/
const between = /^(?:During handling of the above exception|The above exception was the direct cause)/
/** What the engine survives: errors that it logs with their tracebacks and goes on (vllm 0.32, by its sources and by own runs). */
const ignored =
  /^Exception ignored in|^Error saving model info cache|^Error when compiling Jinja template|^Failed to (?:load plugin|instantiate endpoint plugin|collect processor kwargs)|^Error during atomic write|^AMD 1 hop XGMI detection failed|^amdsmi device \w+|^NVLink detection|falling back to disk loading$/
/** Said once more by whoever could not go on without it. */
const survived = /^Error retrieving file list/

type Reading = {
  frames: string[] | undefined
  /** Source of the record that is passed over, or `raw` for Python's own words, which end with their traceback. */
  ignoring: string | undefined
}

/** Everything that an engine complained about, in order; lines of a healthy engine and the frames of tracebacks are none of it. */
export const complaintsOf = (lines: readonly string[]): readonly Complaint[] => {
  const read = lines.map(readLine)
  const readings = new Map<string, Reading>()
  return read.flatMap((line, at) => {
    if (isHealthy(line)) return []
    const reading = readings.get(line.process) ?? { frames: undefined, ignoring: undefined }
    readings.set(line.process, reading)
    const frames = framesEndedBy(line, reading)
    if (frames === 'none' || passesOver(line, frames, reading)) return []
    const complaint = { at, process: line.process, text: line.text, block: blockAt(read, at, line) }
    return [frames === undefined ? complaint : { ...complaint, frames: frames.join('\n') }]
  })
}

/** The frames of the traceback that the line ends, undefined for a line on its own, `none` for one that is part of a traceback or empty. */
const framesEndedBy = ({ text }: LogLine, reading: Reading): readonly string[] | undefined | 'none' => {
  const { frames } = reading
  if (begins.test(text)) reading.frames = []
  else if (frames !== undefined && /^\s|^$/.test(text)) frames.push(text)
  else if (text.trim() !== '' && !between.test(text) && !survived.test(text)) {
    reading.frames = undefined
    return frames
  }
  return 'none'
}

const passesOver = ({ text, source = 'raw' }: LogLine, frames: readonly string[] | undefined, reading: Reading): boolean => {
  if (ignored.test(text)) {
    reading.ignoring = source
    return true
  }
  const passed = reading.ignoring === source
  if (!passed || (source === 'raw' && frames !== undefined)) reading.ignoring = undefined
  return passed
}

const blockAt = (read: readonly LogLine[], at: number, { process, level, text }: LogLine): string => {
  const following = read.slice(at + 1, at + blockLines)
  const end = following.findIndex((next) => next.process !== process || next.level !== level || begins.test(next.text))
  return [text, ...following.slice(0, end === -1 ? undefined : end).map((next) => next.text)].join('\n')
}
