/** One process that leaves as `aim serve` does: `node leaver.ts LEAVING`, as JSON. */
import { writeFileSync } from 'node:fs'
import { parse } from '../../../src/config/parse.ts'
import type { LastWords } from '../../../src/serve/last-words.ts'
import { leave, quit } from '../../../src/serve/leave.ts'
import { readSecretFile } from '../../../src/serve/secret-file.ts'
import { toLines } from '../../../src/std/lines.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { createSink } from '../../../src/telemetry/sink.ts'

/** How it is to leave. `listener`: the file that a listener for the end writes. */
export type Leaving = {
  readonly environment: Readonly<Record<string, string>>
  readonly exitCode: number
  readonly words?: LastWords
  readonly listener: string
}

const { environment, exitCode, words, listener } = JSON.parse(process.argv[2] ?? '') as Leaving
const { options } = parse(environment, readSecretFile)
const sinks = [createSink(1), createSink(2)] as const
const log = createLog({ level: 'info', format: options.logFormat, out: sinks[0], err: sinks[1], wall: Date.now })
process.on('exit', (code) => writeFileSync(listener, `${code}`))
log.write('info', 'serves')
log.engineLines(toLines('a line of the engine\n'), 'stdout')
quit(await leave(options, log, sinks, exitCode, words))
