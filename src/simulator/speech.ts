import { formatRecord, type Log } from './log.ts'

/** The log of this process under a name such as `EngineCore`. Edge: standard output and error, and the clock. */
export const createLog = (speaker: string): Log => ({
  record: (level, source, text) => {
    process.stdout.write(formatRecord(speaker, process.pid, new Date(), level, source, text))
  },
  raw: (text) => {
    process.stderr.write(text)
  },
  access: (line) => {
    process.stdout.write(line)
  },
})

/** Keeps a reader that has gone away from ending the process: vLLM goes on without one too. */
export const surviveClosedOutput = (): void => {
  process.stdout.on('error', () => undefined)
  process.stderr.on('error', () => undefined)
}
