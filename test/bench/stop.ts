/**
 * What a stop and a restart cost beside what the engine takes itself: `npm run bench stop [ROUNDS]`. From SIGTERM to the exit of an idle
 * engine, alone and under aim; and from the moment when the GPU memory of a crashed engine is free to the first act of the next one, beside
 * a spawn of the same by a bare Node.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatTable } from '../../src/cli/table.ts'
import { mi300x } from '../fixtures/hardware/machines.ts'
import { writeTree } from '../fixtures/hardware/tree.ts'
import { buildModel } from '../hub/model.ts'
import { bareEnvironment, get, startAim } from '../stage/aim.ts'
import { freePorts } from '../stage/ports.ts'
import { until } from '../stage/until.ts'
import { spawnClock } from './stopwatch.ts'
import { median, spread } from './summary.ts'

const rounds = Number(process.argv[3] ?? 7)
const root = join(import.meta.dirname, '../..')
const aim = [process.execPath, join(root, 'dist/aim.js')] as const
const directory = mkdtempSync(join(tmpdir(), 'aim-bench-'))
const file = (name: string): string => join(directory, name)
const simulator = { AIM_SIMULATOR_SPEED: '40', TMPDIR: directory }
const serve = { ...simulator, AIM_ENGINE: 'simulator', AIM_HOST: '127.0.0.1', AIM_MODEL_ID: file('model'), AIM_LOG_LEVEL: 'error' }

const untilExit = async (child: ChildProcess): Promise<number> => {
  const ended = once(child, 'exit')
  const begin = performance.now()
  child.kill('SIGTERM')
  await ended
  return performance.now() - begin
}

const stopAlone = async (): Promise<number> => {
  const [port = 0] = await freePorts(1)
  const words = ['simulator', 'serve', file('model'), '--host', '127.0.0.1', '--port', String(port), '--enable-server-load-tracking']
  const child = spawn(aim[0], [aim[1], ...words], { stdio: 'ignore', env: { ...bareEnvironment(), ...simulator } })
  await until('the engine answers', async () => ((await get(`http://127.0.0.1:${port}/health`)).status === 200 ? true : undefined))
  return untilExit(child)
}

const stopServed = async (): Promise<number> => {
  await using running = await startAim({ command: aim, words: ['serve'], environment: serve })
  await running.until('ready')
  // Awaited here, or it would be stopped once more.
  return await untilExit(running.child)
}

const gib = 1024 ** 3

/** An engine whose first act stops a clock; it is killed while it holds memory, which is then given back. */
const respawn = async (begun: () => Promise<unknown>, program: string): Promise<number> => {
  const machine = mkdtempSync(file('machine-'))
  writeTree(mi300x(1), machine)
  const use = (bytes: number): void => writeFileSync(join(machine, '/sys/devices/pci0000:00/0000:11:00.0/mem_info_vram_used'), `${bytes}\n`)
  use(gib)
  await using running = await startAim({
    command: aim,
    words: ['serve'],
    environment: { ...serve, AIM_SYSFS_ROOT: machine, AIM_ENGINE_COMMAND: program, AIM_STOP_TIMEOUT: '1s' },
  })
  await begun()
  const pid = await until('the engine has a pid', async () => (await running.status()).engine.pid)
  use(150 * gib)
  process.kill(pid, 'SIGKILL')
  await until('it waits for the memory', async () => ((await running.status()).state === 'reclaiming' ? true : undefined))
  const next = begun()
  const begin = performance.now()
  use(gib)
  await next
  return performance.now() - begin
}

try {
  execFileSync(process.execPath, [join(root, 'docker/build.ts')], { stdio: ['ignore', 'ignore', 'ignore'] })
  await buildModel(file('model'), { megabytes: 1, shards: 1 })
  await using clock = await spawnClock(directory)
  const program = file('engine')
  writeFileSync(program, `#!/bin/sh\nprintf x > '${clock.engine.at(-1)}'\nexec sleep 1000\n`)
  chmodSync(program, 0o755)
  const bareSpawn = join(import.meta.dirname, 'bare-spawn.js')
  const alone: number[] = []
  const served: number[] = []
  const bare: number[] = []
  const again: number[] = []
  for (let round = 0; round < rounds; round++) {
    alone.push(await stopAlone())
    served.push(await stopServed())
    bare.push(await clock.untilSpawned({ command: [process.execPath, bareSpawn, ...clock.engine] }))
    again.push(await respawn(clock.begun, program))
  }
  const added = served.map((ms, round) => ms - (alone[round] ?? Number.NaN))
  process.stdout.write(
    `${formatTable(
      [`${rounds} rounds; ms`, 'median (min..max)'],
      [
        ['SIGTERM to the exit of an idle engine alone', spread(alone)],
        ['the same under aim', spread(served)],
        ['what aim adds', `${spread(added)}, ${(median(served) / median(alone)).toFixed(2)}x`],
        ['a bare Node that spawns the engine', spread(bare)],
        ['GPU memory free to the next engine', `${spread(again)}, ${(median(again) / median(bare)).toFixed(2)}x`],
      ],
    )}\n`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
