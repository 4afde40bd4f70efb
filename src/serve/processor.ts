/** Edge: what this machine's processor can do. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { arch } from 'node:os'

/** Tells processors apart whose native code the other cannot run: 8 hex digits of the architecture and its extensions, as /proc/cpuinfo lists them. */
export const processorKey = (): string => {
  const [, extensions = ''] = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readText('/proc/cpuinfo')) ?? []
  return createHash('sha256').update(`${arch()} ${extensions}`).digest('hex').slice(0, 8)
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
