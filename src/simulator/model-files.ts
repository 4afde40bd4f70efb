import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { headerLength, headerProblem, lengthBytes } from './safetensors.ts'

/** The text of a file; undefined when it cannot be read. Edge: reads the disk. */
export const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}

/** The text of a model's `config.json`; undefined when it cannot be read. */
export const readConfig = (model: string): Promise<string | undefined> => readText(join(model, 'config.json'))

/** Paths of the weight files in a model's directory, in the order of their names; none when the directory cannot be read. */
export const listShards = async (model: string): Promise<readonly string[]> => {
  try {
    const names = await readdir(model)
    return names
      .filter((name) => name.endsWith('.safetensors'))
      .sort()
      .map((name) => join(model, name))
  } catch {
    return []
  }
}

/** A weight file's size in bytes, and what is wrong with it in the words of the safetensors library. */
export type Shard = { readonly bytes: number; readonly problem: string | undefined }

/** Opens a weight file and reads its header. Throws when it cannot be read. */
export const readShard = async (path: string): Promise<Shard> => {
  await using file = await open(path)
  const { size } = await file.stat()
  const start = Buffer.alloc(Math.min(lengthBytes, size))
  await file.read(start, 0, start.length, 0)
  const length = headerLength(start, size)
  if (typeof length === 'string') return { bytes: size, problem: length }
  const header = Buffer.alloc(length)
  await file.read(header, 0, length, lengthBytes)
  return { bytes: size, problem: headerProblem(header.toString('utf8'), size) }
}

/** Reads the beginning of a file, 4 MiB at most, for the sake of reading it. */
export const readPiece = async (path: string): Promise<void> => {
  await using file = await open(path)
  await file.read(Buffer.alloc(4 * 1024 ** 2))
}
