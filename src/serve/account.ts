/** Edge: who we run as. */
import { accessSync, constants, lstatSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Account } from '../engine/environment.ts'

/** The account that the engine will run under; makes the fallback home when the real one cannot be written to. */
export const readAccount = (home: string | undefined): Account => {
  const homeWritable = home !== undefined && writable(home)
  const fallbackHome = homeWritable ? usualFallback() : ownFallback()
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

const uid = (): number => process.getuid?.() ?? 0

const usualFallback = (): string => join(tmpdir(), `aim-home-${uid()}`)

/** Found once: a second look could find another. */
let fallback: string | undefined

/** Python runs code that it finds in a home (usercustomize), so one that somebody else made or may write to is not taken. */
const ownFallback = (): string => {
  fallback ??= makeOwn(usualFallback())
  return fallback
}

const makeOwn = (path: string): string => {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return isOurs(path) ? path : mkdtempSync(`${path}-`)
  } catch {
    // Where not even the temporary directory can be written to, the engine says so itself.
    return path
  }
}

/** Whether a path is a directory, not a link to one, of our uid, that neither group nor others may write to. Throws when it is not there. */
export const isOurs = (path: string): boolean => {
  const found = lstatSync(path)
  return found.isDirectory() && found.uid === uid() && (found.mode & 0o022) === 0
}
