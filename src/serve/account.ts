/** Edge: who we run as. */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import type { Account } from '../engine/environment.ts'

/** The account that the engine will run under; makes the fallback home when the real one cannot be written to. */
export const readAccount = (home: string | undefined): Account => {
  const fallbackHome = `${tmpdir()}/aim-home-${process.getuid?.() ?? 0}`
  const homeWritable = home !== undefined && writable(home)
  if (!homeWritable) makeDirectory(fallbackHome)
  const name = userName()
  return { homeWritable, fallbackHome, ...(name === undefined ? {} : { name }) }
}

/** A uid without a passwd entry has no name. */
const userName = (): string | undefined => {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}

const writable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const makeDirectory = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch {
    // Where not even the temporary directory can be written to, the engine says so itself.
  }
}
