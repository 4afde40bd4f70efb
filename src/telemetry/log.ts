/** Edge: loads pino. */
import type { Logger } from 'pino'
import { type Lines, linesOf } from '../std/lines.ts'
import type { Sink } from './sink.ts'
import { formatLine } from './text.ts'

/** Levels, least serious first: Python's names, as AMD's variables have them. */
export type Level = 'debug' | 'info' | 'warning' | 'error' | 'critical'

/** Our own log: a sentence and its facts. */
export type Log = {
  readonly write: (level: Level, message: string, facts?: Readonly<Record<string, unknown>>) => void
  /** Lines of the engine: as they came in text, each wrapped in JSON. */
  readonly engineLines: (lines: Lines, stream: 'stdout' | 'stderr') => void
  /** Loads the logger and writes what waited for it; nothing is lost when it is called late. */
  readonly open: () => Promise<void>
}

/** pino's numbers for these names. */
const pinoLevels: Readonly<Record<Level, number>> = { debug: 20, info: 30, warning: 40, error: 50, critical: 60 }

type Entry = { readonly level: Level; readonly message: string; readonly facts: Readonly<Record<string, unknown>>; readonly time: number }

/** Where lines go and from which level on. */
export type LogOptions = {
  readonly level: Level
  readonly format: 'text' | 'json'
  readonly out: Sink
  readonly err: Sink
  readonly wall: () => number
}

/** Makes the log. pino is loaded by `open`, after the engine was spawned: until then entries wait with the time at which they came. */
export const createLog = ({ level, format, out, err, wall }: LogOptions): Log => {
  let waiting: Entry[] = []
  let logger: Logger<Level> | undefined
  const emit = (target: Logger<Level>, entry: Entry): void =>
    target[entry.level]({ time: new Date(entry.time).toISOString(), ...entry.facts }, entry.message)
  return {
    write: (entryLevel, message, facts = {}) => {
      const entry = { level: entryLevel, message, facts, time: wall() }
      if (logger) emit(logger, entry)
      else waiting.push(entry)
    },
    engineLines: ({ bytes, count }, stream) => {
      const sink = stream === 'stdout' ? out : err
      if (format === 'text') return sink.write(bytes, count)
      const record = { level: 'info', time: new Date(wall()).toISOString(), source: 'engine', stream }
      for (const msg of linesOf(bytes.toString())) sink.write(`${JSON.stringify({ ...record, msg })}\n`)
    },
    open: async () => {
      if (logger) return
      // By its default: a bundled CommonJS package has no other export when it is loaded late.
      const { default: pino } = await import('pino')
      const write = (line: string): void => err.write(format === 'text' ? formatLine(line) : line)
      logger ??= pino(
        {
          level,
          customLevels: pinoLevels,
          useOnlyCustomLevels: true,
          base: null,
          timestamp: false,
          formatters: { level: (label) => ({ level: label }) },
        },
        { write },
      )
      for (const entry of waiting) emit(logger, entry)
      waiting = []
    },
  }
}
