/** Edge: reads the files that hold secrets. */
import { readFileSync } from 'node:fs'
import type { Read } from '../std/result.ts'

/** A secret's file, or the code of the error. */
export const readSecretFile = (path: string): Read<string> => {
  try {
    return { ok: true, value: readFileSync(path, 'utf8') }
  } catch (error) {
    return { ok: false, code: (error as NodeJS.ErrnoException).code ?? 'EIO' }
  }
}
