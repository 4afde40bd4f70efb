/** Edge: how this process says its last words and ends. */
import { existsSync, writeFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { type Options, variables } from '../config/variables.ts'
import { openLibc } from '../std/libc.ts'
import type { Log } from '../telemetry/log.ts'
import type { Sink } from '../telemetry/sink.ts'
import { fitLastWords, formatLastWords, type LastWords } from './last-words.ts'

/** How long the last lines may take to be read; milliseconds. */
export const flushMs = 1000

/** Says the last words where people look for them, flushes, and gives the exit code. */
export const leave = async (
  options: Options,
  log: Log,
  sinks: readonly Sink[],
  exitCode: number,
  words: LastWords | undefined,
): Promise<number> => {
  await log.open()
  if (words !== undefined) {
    if (options.logFormat === 'json') log.write('critical', words.sentence, { ...words })
    else sinks[1]?.write(`\n${formatLastWords(words)}`)
    writeTerminationLog(options.terminationLog, fitLastWords(words))
  }
  const flushed = await Promise.all(sinks.map((sink) => sink.flush(flushMs)))
  // A socket that nobody reads: process.exit() would wait for the write.
  if (flushed.includes(false)) openLibc()?.exit(exitCode)
  return exitCode
}

/** The default path is the kubelet's, which makes the file: where it is not there nobody reads it, and /dev is no place to make one. */
const writeTerminationLog = (path: string, text: string): void => {
  if (path === variables.terminationLog.default && !existsSync(path)) return
  try {
    writeFileSync(path, text)
  } catch {
    // It is a second place for words that stand on stderr already.
  }
}

/**
 * Ends the process past Node's own way out, which joins threads and takes its heap apart while others wait for the container to end. Who
 * listens for the end is told, and compiled code is kept, as there.
 */
export const quit = (exitCode: number): number => {
  process.emit('exit', exitCode)
  flushCompileCache()
  openLibc()?.exit(exitCode)
  return exitCode
}
