/** Edge: how long the last start with the same key took, kept on the cache's volume; a volume that cannot be read or written is no error. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Launch } from '../plan/launch.ts'
import { isRecord } from '../std/json.ts'
import { draftOf } from './draft.ts'
import type { PastStart } from './eta.ts'

/** Of the command line, what says nothing about how long a start takes. */
const indifferent = /^--(?:host|port|served-model-name|uvicorn-log-level)$/

/** Names starts that should take equally long: the same engine, model, arguments and GPUs, whatever it is called and wherever it listens. */
export const keyOf = ({ engine, gpus }: Launch): string => {
  const words = engine.argv.filter((word, at) => !indifferent.test(word) && !indifferent.test(engine.argv[at - 1] ?? ''))
  const machine = gpus.map(({ product, gfx, computePartition }) => [product, gfx, computePartition])
  return fnv1a(JSON.stringify([engine.name, words, machine]))
    .toString(16)
    .padStart(32, '0')
}

/** FNV-1a of 128 bits (draft-eastlake-fnv): nobody gains by a collision, and loading node:crypto takes memory for as long as the engine runs. */
const fnv1a = (text: string): bigint =>
  Buffer.from(text).reduce(
    (hash, byte) => BigInt.asUintN(128, (hash ^ BigInt(byte)) * 0x1000000000000000000013bn),
    0x6c62272e07bb014262b821756295c58dn,
  )

/** What is known of the last start, or undefined. */
export const readLastStart = async (directory: string, launch: Launch): Promise<PastStart | undefined> => {
  try {
    return parsePastStart(await readFile(join(directory, `${keyOf(launch)}.json`), 'utf8'))
  } catch {
    return undefined
  }
}

/** Keeps it for the next one; whole or not at all, since several containers may write at once. */
export const writeLastStart = async (directory: string, launch: Launch, past: PastStart): Promise<void> => {
  const path = join(directory, `${keyOf(launch)}.json`)
  const part = draftOf(path, { pid: process.pid, at: Date.now(), chance: Math.random() })
  try {
    await mkdir(directory, { recursive: true })
    await writeFile(part, `${JSON.stringify({ ...past, model: launch.model.id })}\n`)
    await rename(part, path)
  } catch {
    await rm(part, { force: true }).catch(() => undefined)
  }
}

/** Anybody may have written the file: what does not fit is not taken. */
const parsePastStart = (text: string): PastStart | undefined => {
  const value: unknown = JSON.parse(text)
  if (!isRecord(value) || !isDuration(value.totalMs) || !Array.isArray(value.phases)) return undefined
  const phases = value.phases.flatMap((phase: unknown) =>
    isRecord(phase) && typeof phase.name === 'string' && isDuration(phase.ms) ? [{ name: phase.name, ms: phase.ms }] : [],
  )
  return phases.length === value.phases.length && phases.length > 0 ? { phases, totalMs: value.totalMs } : undefined
}

const isDuration = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0
