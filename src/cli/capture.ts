/** Edge: writes a captured machine as a tar that the system's tar makes, to a file or to stdout. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Capture } from '../hardware/capture.ts'
import { answersFile } from '../hardware/captured.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'

/** Writes `capture` to `file`, or to stdout for `-`. Throws a Failure (74) when it cannot be written; leaves no directory behind. */
export const writeCapture = async (capture: Capture, file: string): Promise<void> => {
  try {
    const place = await mkdtemp(join(tmpdir(), 'aim-capture-'))
    try {
      await writeTree(capture, place)
      await pack(place, file)
    } finally {
      await rm(place, { recursive: true, force: true })
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    throw notWritten(file, error instanceof Error ? error.message : String(error))
  }
}

const notWritten = (file: string, why: string): Failure =>
  new Failure(`cannot capture this machine to ${file}: ${why}`, {
    exitCode: exitCodes.storage,
    fix: 'name a file that may be written, or - for stdout; TMPDIR must be writable too (docker run --tmpfs /tmp)',
  })

const writeTree = async ({ files, links, directories, answers }: Capture, place: string): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(place, dirname(path)), { recursive: true })
    await writeFile(join(place, path), text)
  }
  for (const [path, target] of Object.entries(links)) {
    await mkdir(join(place, dirname(path)), { recursive: true })
    // Within the tree: one that begins at the root would lead out of it.
    await symlink(target.startsWith('/') ? `${'../'.repeat(path.split('/').length - 2)}${target.slice(1)}` : target, join(place, path))
  }
  for (const path of directories) await mkdir(join(place, path), { recursive: true })
  await writeFile(join(place, answersFile), `${JSON.stringify(answers, undefined, 2)}\n`)
}

const pack = async (place: string, file: string): Promise<void> => {
  const child = spawn('tar', ['-C', place, '-czf', '-', '.'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-500)
  })
  const ended = once(child, 'close')
  if (file === '-') await pipeline(child.stdout, process.stdout, { end: false })
  else await pipeline(child.stdout, createWriteStream(file))
  const [code] = (await ended) as [number | null]
  if (code !== 0) throw notWritten(file, `tar says ${said.trim() || 'nothing'}`)
}
