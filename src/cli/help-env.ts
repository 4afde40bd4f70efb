/** `aim help env`: every variable. */
import { variableRows } from '../config/show.ts'
import { type Format, print } from './output.ts'

/** Prints the table of variables. */
export const helpEnvCommand = async (format: Format): Promise<number> => {
  const rows = variableRows()
  await print(format, rows, () =>
    rows
      .map(({ name, default: value, rule, summary }) => `${name}${value === '' ? '' : `  (default ${value})`}\n    ${summary}\n    ${rule}`)
      .join('\n'),
  )
  return 0
}
