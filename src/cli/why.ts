/** Edge: `aim why`, which reads a log that somebody kept. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { ExitMeaning } from '../engine/adapter.ts'
import { explainExit } from '../engine/failures.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { type Format, print } from './output.ts'

/** Names why an engine failed from its log: a file, or `-` for what is piped in. */
export const whyCommand = async (file: string, format: Format): Promise<number> => {
  const log = file === '-' ? await text(process.stdin) : await readLog(file)
  const meaning = explainExit({ code: null, signal: null }, log.split(/[\r\n]+/), false)
  await print(format, meaning, () => show(meaning))
  return 0
}

const readLog = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new Failure(`cannot read the log ${file}: ${(cause as NodeJS.ErrnoException).code ?? cause}`, {
      exitCode: exitCodes.usage,
      fix: "name a file, or pipe the engine's output in: docker logs NAME 2>&1 | aim why -",
      cause,
    })
  }
}

const show = ({ cause, sentence, fix, evidence }: ExitMeaning): string =>
  [`${cause}: ${sentence}`, ...(fix === undefined ? [] : [`fix: ${fix}`]), ...evidence.map((line) => `  ${line}`)].join('\n')
