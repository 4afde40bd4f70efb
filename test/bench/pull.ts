/**
 * A pull beside what else fetches files: `npm run bench pull [GIB] [ROUNDS]`. GIB (4) in four files on tmpfs, served by nginx, into tmpfs, by
 * us, by aria2c with 16 connections a file and no checksum, by curl, and by huggingface_hub with eight workers; ROUNDS (3) times, turn by turn.
 * Then the same from a host that is 20 ms away. Then a cache of 200 files that is ready.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { formatTable } from '../../src/cli/table.ts'
import { ensureApt } from '../engines/apt.ts'
import { freePorts } from '../stage/ports.ts'
import { measurePulls, type Pulls, startNginx } from './pull-measure.ts'
import { readyRows } from './pull-ready.ts'

const gibibytes = Number(process.argv[3] ?? 4)
const shards = 4
const directory = mkdtempSync('/dev/shm/aim-bench-pull-')
const pulls: Pulls = {
  directory,
  names: Array.from({ length: shards }, (_, index) => `model-${index}.safetensors`),
  bytes: gibibytes * 1024 ** 3,
  rounds: Number(process.argv[4] ?? 3),
}

/** Shards that differ from their first byte on, of bytes that no layer could compress. */
const makeShards = ({ names, bytes }: Pulls): void => {
  const block = Buffer.concat(Array.from({ length: 16 * 1024 }, (_, index) => createHash('sha512').update(`${index}`).digest()))
  mkdirSync(join(directory, 'served'))
  for (const [index, name] of names.entries()) {
    const to = openSync(join(directory, 'served', name), 'w')
    writeSync(to, Buffer.from(`shard ${index}`.padEnd(16)))
    for (let at = 16; at < bytes / shards; at += block.length) writeSync(to, block, 0, Math.min(block.length, bytes / shards - at))
    closeSync(to)
  }
}

const near = async () => {
  const [port = 0] = await freePorts(1)
  const stop = await startNginx(pulls, port)
  try {
    return await measurePulls(pulls, `http://localhost:${port}`)
  } finally {
    await stop()
  }
}

/** In a network namespace of its own, so that nothing of the machine's network is touched. */
const far = (): readonly (readonly string[])[] => {
  const words = ['-n', process.execPath, join(import.meta.dirname, 'pull-far.ts'), JSON.stringify(pulls)]
  return JSON.parse(execFileSync('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' }))
}

try {
  await ensureApt('nginx-light', 'aria2', 'curl', 'iproute2', 'procps')
  makeShards(pulls)
  const rows = [
    [`${gibibytes} GiB over loopback`, ''],
    ...(await near()),
    [`${gibibytes} GiB from a host that is 20 ms away`, ''],
    ...far(),
    ...(await readyRows(join(directory, 'ready'))),
  ]
  process.stdout.write(`${formatTable([`${pulls.rounds} rounds: median (least..most)`, 'value'], rows)}\n`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
