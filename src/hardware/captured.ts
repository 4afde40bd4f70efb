/** What a captured tree answers where a file cannot: an error, a permission, an owner. */
import { isRecord, parseJson } from '../std/json.ts'
import type { Read } from '../std/result.ts'
import type { FileSystem } from './file-system.ts'

/** Answers that are no file's content: errors by path, access(2) where it failed, owners of devices, sizes of file systems, the masks. */
export type Answers = {
  readonly errors: Readonly<Record<string, string>>
  readonly access: Readonly<Record<string, string>>
  readonly owners: Readonly<Record<string, { readonly uid: number; readonly gid: number }>>
  readonly spaces: Readonly<Record<string, { readonly totalBytes: number; readonly freeBytes: number }>>
  readonly environment: Readonly<Record<string, string>>
}

/** Where in a captured tree the answers lie. */
export const answersFile = '/aim-capture.json'

/** The answers of a captured tree out of its file; undefined for what is none. */
export const parseAnswers = (text: string): Answers | undefined => {
  const value = parseJson(text)
  const parts = ['errors', 'access', 'owners', 'spaces', 'environment']
  return isRecord(value) && parts.every((part) => isRecord(value[part])) ? (value as unknown as Answers) : undefined
}

/** A captured tree with its answers put before its files. */
export const answering = (fs: FileSystem, { errors, access, owners, spaces }: Answers): FileSystem => {
  const failing =
    <T>(codes: Readonly<Record<string, string>>, ask: (path: string) => Read<T>) =>
    (path: string): Read<T> => {
      const code = codes[path]
      return code === undefined ? ask(path) : { ok: false, code }
    }
  const knowing =
    <T>(values: Readonly<Record<string, T>>, ask: (path: string) => Read<T>) =>
    (path: string): Read<T> => {
      const value = values[path]
      return value === undefined ? ask(path) : { ok: true, value }
    }
  return {
    ...fs,
    readText: failing(errors, fs.readText),
    list: failing(errors, fs.list),
    access: failing(access, fs.access),
    owner: knowing(owners, fs.owner),
    space: knowing(spaces, fs.space),
  }
}
