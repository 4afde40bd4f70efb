/** Edge: writes a command's answer to stdout. */

import { painter } from './paint.ts'
import type { Look } from './plan-screen.ts'

/** How an answer is written. */
export const formats = ['table', 'json', 'yaml'] as const
/** One of `formats`. */
export type Format = (typeof formats)[number]

/** Writes one answer: text made by `table` for people, or the value itself as one document. */
export const print = async (format: Format, value: unknown, table: () => string): Promise<void> => {
  if (format === 'json') return write(JSON.stringify(value, undefined, 2))
  return write(format === 'yaml' ? await yamlOf(value) : table())
}

/** A value as YAML, without a line's end. */
export const yamlOf = async (value: unknown): Promise<string> => {
  // By its default: a bundled CommonJS package has no other export when it is loaded late.
  const { stringify } = (await import('yaml')).default
  return stringify(value, { aliasDuplicateObjects: false }).trimEnd()
}

/** How stdout is read: its columns and colours; a pipe has neither, and lines of any length. */
export const look = (): Look => ({
  width: process.stdout.isTTY ? Math.max(40, process.stdout.columns) : Number.POSITIVE_INFINITY,
  paint: painter(coloured()),
})

/** Whether stdout is a terminal whose user wants colours (no-color.org). */
export const coloured = (): boolean => process.stdout.isTTY === true && !process.env.NO_COLOR

/** Columns of the terminal; 100 in a pipe. */
export const columns = (): number => process.stdout.columns ?? 100

/** Resolves when the reader has the text: a pipe may take only part of it at once, and the process ends right after. */
export const write = (text: string): Promise<void> =>
  new Promise((resolve) => {
    // `aim recipes | head`: a reader that has seen enough is no error.
    process.stdout.once('error', () => resolve())
    process.stdout.write(`${text}\n`, () => resolve())
  })
