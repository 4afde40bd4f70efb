/** Edge: `aim version`. */
import { version } from '../std/version.ts'
import { type Format, print } from './output.ts'

/** Prints our version and Node's. */
export const versionCommand = async (format: Format): Promise<number> => {
  await print(format, { version, node: process.version }, () => `aim ${version} (node ${process.version.slice(1)})`)
  return 0
}
