/** Edge: `aim gpus --watch`: looks at the GPUs again and again until it is told to stop. */
import { readKfdHolders } from '../hardware/holders.ts'
import type { Inventory } from '../hardware/inventory.ts'
import { patientFiles } from '../hardware/patient-files.ts'
import { readReadings } from '../hardware/readings.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { holderLines, readingTable } from './gpu-table.ts'
import { type Format, write } from './output.ts'

const usualSeconds = 2

/**
 * Prints a table, on a terminal in place of the last one, or a JSON document a line, until SIGINT or SIGTERM comes or its reader has gone;
 * then 0. `every` is seconds, true for two. Throws a Failure (2) for what is no number of seconds, (69) when there is no GPU.
 */
export const watchGpus = async (root: string, { gpus, blocked }: Inventory, every: true | string, format: Format): Promise<number> => {
  const seconds = every === true ? usualSeconds : Number(every)
  if (!(seconds >= 0.1 && seconds <= 3600)) throw noSeconds(String(every))
  if (gpus.length === 0) throw nothing(blocked?.reason)
  const stop = Promise.withResolvers<undefined>()
  const end = (): void => stop.resolve(undefined)
  // As PID 1 of a container nothing ends us but what we listen to.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  process.stdout.once('error', end)
  const files = patientFiles(root)
  let stopped = false
  void stop.promise.then(() => {
    stopped = true
  })
  while (!stopped) {
    const readings = await readReadings(files, gpus)
    const holders = await readKfdHolders(files)
    const at = new Date().toISOString()
    const table = (): string => [readingTable(gpus, readings), ...holderLines(gpus, holders)].join('\n')
    await write(format === 'table' ? frame(`${at}, every ${seconds} s`, table()) : JSON.stringify({ at, readings, holders }))
    const { promise: next, resolve } = Promise.withResolvers<undefined>()
    const timer = setTimeout(resolve, seconds * 1000, undefined)
    await Promise.race([next, stop.promise])
    clearTimeout(timer)
  }
  return exitCodes.ok
}

// Home and clear to the end (ECMA-48), so that a terminal does not flicker.
const frame = (title: string, table: string): string => (process.stdout.isTTY ? `\x1b[H\x1b[J${title}\n\n${table}` : `${title}\n${table}\n`)

const noSeconds = (given: string): Failure =>
  new Failure(`cannot watch: --watch must be seconds from 0.1 to 3600, given ${JSON.stringify(given)}`, {
    exitCode: exitCodes.usage,
    fix: 'aim gpus --watch 5',
  })

const nothing = (reason: string | undefined): Failure =>
  new Failure(`cannot watch: there is no GPU that can be used${reason === undefined ? '' : `: ${reason}`}`, {
    exitCode: exitCodes.unavailable,
    fix: 'aim doctor says why',
  })
