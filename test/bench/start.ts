/**
 * What we cost beside a bare Node, measured side by side in one run: `npm run bench start [ROUNDS]`. Each round measures every row
 * once, so that a ratio compares neighbours in time. Prints a table and asserts nothing: machines differ, the ratios hardly.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatTable } from '../../src/cli/table.ts'
import { mi300x } from '../fixtures/hardware/machines.ts'
import { writeTree } from '../fixtures/hardware/tree.ts'
import { buildModel } from '../hub/model.ts'
import { get, startAim } from '../stage/aim.ts'
import { type Memory, memoryAtRest } from './memory.ts'
import { catalogs, timeOfChoice } from './selection.ts'
import { launch, type Measured, type SpawnClock, spawnClock, untilEnd } from './stopwatch.ts'
import { ratio, spread } from './summary.ts'

/** One line of the result: `against` is the row that it is compared with. */
type Row<T> = { readonly name: string; readonly against?: string; readonly measure: () => Promise<T> }

const root = join(import.meta.dirname, '../..')
const node = process.execPath
const aim = join(root, 'dist/aim.js')
const here = (file: string): string => join(import.meta.dirname, file)

/** Rounds of the times, after one to warm up; the memory takes ten seconds a round, so it gets fewer. */
const rounds = Number(process.argv[3] ?? 21)
const memoryRounds = Math.ceil(rounds / 5)

const startRows = (directory: string, clock: SpawnClock): readonly Row<number>[] => {
  const machine = join(directory, 'mi300x')
  writeTree(mi300x(8), machine)
  const serve = (environment: Readonly<Record<string, string>>): Measured => ({
    command: [node, aim, 'serve'],
    environment: {
      ...{ AIM_ENGINE: 'simulator', AIM_ENGINE_COMMAND: clock.engine.map((word) => `'${word}'`).join(' ') },
      ...{ AIM_MODEL_ID: join(directory, 'model'), AIM_RESTART: 'never', AIM_OPS_PORT: '0' },
      ...{ AIM_TERMINATION_LOG: '/dev/null', TMPDIR: directory, ...environment },
    },
  })
  const spawned = (measured: Measured) => () => clock.untilSpawned(measured)
  const ended =
    (...command: readonly [string, ...string[]]) =>
    () =>
      untilEnd({ command })
  const bare = 'a bare Node that spawns the engine'
  return [
    { name: 'the engine alone', measure: spawned({ command: clock.engine }) },
    { name: bare, measure: spawned({ command: [node, here('bare-spawn.js'), ...clock.engine] }) },
    { name: 'aim serve, no GPU', against: bare, measure: spawned(serve({ AIM_GPU_COUNT: '0' })) },
    { name: 'aim serve, 8x MI300X', against: bare, measure: spawned(serve({ AIM_SYSFS_ROOT: machine })) },
    { name: 'node -e 0', measure: ended(node, '-e', '0') },
    { name: 'aim version', against: 'node -e 0', measure: ended(node, aim, 'version') },
  ]
}

const memoryRows = (directory: string): readonly Row<Memory>[] => [
  {
    name: 'a bare Node that waits',
    measure: async () => {
      const child = launch({ command: [node, here('bare-idle.js')] })
      const memory = await memoryAtRest(child.pid ?? 0)
      child.kill()
      return memory
    },
  },
  {
    name: 'aim serve, ready, scraped, idle',
    against: 'a bare Node that waits',
    measure: async () => {
      await using running = await startAim({
        command: [node, aim],
        words: ['serve'],
        environment: { AIM_ENGINE: 'simulator', AIM_MODEL_ID: join(directory, 'model'), AIM_SIMULATOR_SPEED: '40', TMPDIR: directory },
      })
      await running.until('ready')
      await get(`http://127.0.0.1:${running.opsPort}/metrics`)
      // Awaited here, or it would be stopped before it is looked at.
      return await memoryAtRest(running.child.pid ?? 0)
    },
  },
]

const selectionRows = async (): Promise<readonly Row<number>[]> => {
  const { ten, tenThousand } = await catalogs()
  const few = 'a choice among 10 profiles'
  return [
    { name: few, measure: async () => timeOfChoice(ten) },
    { name: 'a choice among 10,000 profiles', against: few, measure: async () => timeOfChoice(tenThousand) },
  ]
}

/** The values of every row, by its name, one for each round: A B A B, never A A B B. */
const measureAll = async <T>(rows: readonly Row<T>[], times: number): Promise<ReadonlyMap<string, readonly T[]>> => {
  const values = new Map<string, T[]>(rows.map(({ name }) => [name, []]))
  for (let round = 0; round < times; round++) for (const { name, measure } of rows) values.get(name)?.push(await measure())
  return values
}

const printTable = (title: string, rows: readonly Row<unknown>[], values: ReadonlyMap<string, readonly number[]>): void => {
  const lines = rows.map(({ name, against }) => {
    const own = values.get(name) ?? []
    return [name, spread(own), against === undefined ? '' : `${ratio(own, values.get(against) ?? []).toFixed(2)}x ${against}`]
  })
  process.stdout.write(`${formatTable([title, 'median (min..max)', 'ratio'], lines)}\n\n`)
}

const read = (values: ReadonlyMap<string, readonly Memory[]>, part: keyof Memory): ReadonlyMap<string, readonly number[]> =>
  new Map([...values].map(([name, memories]) => [name, memories.map((memory) => memory[part])]))

const directory = mkdtempSync(join(tmpdir(), 'aim-bench-'))
try {
  execFileSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit' })
  await buildModel(join(directory, 'model'), { megabytes: 1, shards: 1 })
  await using clock = await spawnClock(directory)
  process.stdout.write(`Node ${process.version}; ${rounds} rounds, one of each row in turn; ratios are taken within a round\n`)
  process.stdout.write(`node dist/aim.js serve (bundle, warm compile cache, model on disk)\n\n`)
  const starts = startRows(directory, clock)
  await measureAll(starts, 2)
  printTable('from exec to the spawn, or to the end; ms', starts, await measureAll(starts, rounds))
  const choices = await selectionRows()
  await measureAll(choices, rounds)
  printTable('selection, in a warm process; ms (at most 5 more are allowed)', choices, await measureAll(choices, rounds))
  const idles = memoryRows(directory)
  const memory = await measureAll(idles, memoryRounds)
  printTable('resident memory, MB', idles, read(memory, 'rss'))
  printTable('proportional memory (Pss), MB', idles, read(memory, 'pss'))
} finally {
  rmSync(directory, { recursive: true, force: true })
}
