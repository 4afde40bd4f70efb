/**
 * An engine that floods its log: `npm run bench log-flood [SECONDS] [LINES] [ROUNDS]`. LINES a second (200,000) for SECONDS (10) into `cat`,
 * then into aim, whose own output nobody reads, while 1,000 probes a second ask whether it lives; ROUNDS (3) times, turn by turn. Says whether
 * the engine was slowed, how long probes took, how many console lines were dropped, and whether the last lines before the engine's end were
 * kept whole.
 */
import { execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatTable } from '../../src/cli/table.ts'
import type { Status } from '../../src/ops/status.ts'
import { buildModel } from '../hub/model.ts'
import { bareEnvironment, get } from '../stage/aim.ts'
import { freePorts } from '../stage/ports.ts'
import { until } from '../stage/until.ts'
import type { Probes } from './prober.ts'
import { spread } from './summary.ts'

const seconds = Number(process.argv[3] ?? 10)
const perSecond = Number(process.argv[4] ?? 200_000)
const rounds = Number(process.argv[5] ?? 3)
const total = seconds * perSecond
const probesPerSecond = 1000

const root = join(import.meta.dirname, '../..')
const directory = mkdtempSync(join(tmpdir(), 'aim-bench-'))
const file = (name: string): string => join(directory, name)

/** Writes numbered lines in 100 waves a second, as late as the reader makes it; leaves its own seconds in a file, then fails. */
const flood = `use Time::HiRes qw(time sleep); $| = 1; $begin = time; $wave = ${perSecond} / 100;
while ($n < ${total}) { $text = ""; for (1..$wave) { $n++; $text .= sprintf("INFO 11-24 00:00:00 [loggers.py:259] line %09d of the flood\\n", $n) } syswrite STDOUT, $text;
$wait = $begin + $n / ${perSecond} - time; sleep $wait if $wait > 0 }
open F, ">", $ARGV[0]; print F time - $begin; close F; exit 3`

/** Seconds that the flood took. */
const took = (name: string): number => Number(readFileSync(file(name), 'utf8'))

/** The engine into `cat`, beside a bare server that is probed the same. */
const intoCat = async () => {
  const [port = 0] = await freePorts(1)
  // A connection that it closes for idleness would count as an answer that never came.
  const script = `require('node:http').createServer({ keepAliveTimeout: 0 }, (_, response) => response.end('{}')).listen(${port}, '127.0.0.1')`
  const server = spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
  await until('the bare server answers', async () => (await get(`http://127.0.0.1:${port}/`)).status)
  const { stop } = await probe(`http://127.0.0.1:${port}/`)
  const child = spawn('/bin/sh', ['-c', `perl ${file('flood')} ${file('cat.took')} | cat > /dev/null`], { stdio: 'ignore' })
  await once(child, 'exit')
  const probes = await stop()
  server.kill('SIGKILL')
  return { took: took('cat.took'), probes }
}

/** Probes `url` from a process of its own, once the answers come in time; `stop` gives what it saw. */
const probe = async (url: string): Promise<{ readonly stop: () => Promise<Probes> }> => {
  // Who asks shall not wait for a CPU itself: that would be measured too.
  const atOnce = process.getuid?.() === 0 ? { execPath: 'chrt', execArgv: ['--fifo', '1', process.execPath] } : {}
  const child = fork(join(import.meta.dirname, 'prober.ts'), [url, String(probesPerSecond)], atOnce)
  await once(child, 'message')
  return {
    stop: async () => {
      child.send('stop')
      const [probes] = await once(child, 'message')
      return probes
    },
  }
}

const intoAim = async () => {
  for (const name of ['go', 'over']) {
    rmSync(file(name), { force: true })
    execFileSync('mkfifo', [file(name)])
  }
  const [port = 0] = await freePorts(1)
  const ops = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, [join(root, 'dist/aim.js')], {
    // Two pipes that nobody reads.
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...bareEnvironment(),
      ...{ AIM_ENGINE: 'simulator', AIM_MODEL_ID: file('model'), AIM_OPS_PORT: String(port), AIM_TERMINATION_LOG: '/dev/null' },
      ...{
        AIM_ENGINE_COMMAND: `/bin/sh -c 'cat ${file('go')}; perl ${file('flood')} ${file('aim.took')}; echo > ${file('over')}; sleep 1; exit 3'`,
      },
      ...{ AIM_RESTART_BACKOFF: '1h', TMPDIR: directory },
    },
  })
  await until('the engine was spawned', async () => (JSON.parse((await get(`${ops}/status`)).body) as Status).engine.pid)
  const { stop } = await probe(`${ops}/livez`)
  writeFileSync(file('go'), '')
  // Without a look meanwhile, which would take the time that is measured.
  await readFile(file('over'))
  const probes = await stop()
  const failure = await until('the engine ended', async () => (JSON.parse((await get(`${ops}/status`)).body) as Status).failure, 600_000)
  const dropped = Number(/^aim_dropped_log_lines_total (\d+)/m.exec((await get(`${ops}/metrics`)).body)?.[1])
  // Killed it would leave the next engine behind, which waits for its turn.
  child.kill('SIGTERM')
  await once(child, 'exit')
  return { took: took('aim.took'), probes, dropped, last: failure.evidence.at(-1) ?? '' }
}

const at = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

type Round = { readonly cat: Awaited<ReturnType<typeof intoCat>>; readonly aim: Awaited<ReturnType<typeof intoAim>> }

const rowsOf = (results: readonly Round[]): readonly (readonly string[])[] => {
  const slower = results.map(({ cat, aim }) => aim.took / cat.took)
  const probes = ([part, name]: readonly [number, string]): readonly string[] => {
    const [bare, own] = [results.map(({ cat }) => at(cat.probes.times, part)), results.map(({ aim }) => at(aim.probes.times, part))]
    return [`  ${name}`, `${spread(own, 2)}, a bare server ${spread(bare, 2)}`]
  }
  const stolen = (of: (round: Round) => { readonly probes: Probes }): string =>
    spread(results.map((round) => 100 * of(round).probes.stolen))
  const parts = [
    [0.5, 'median'],
    [0.99, 'p99'],
    [0.999, 'p99.9'],
    [1, 'most'],
  ] as const
  return [
    [
      'the engine into cat, s',
      spread(
        results.map(({ cat }) => cat.took),
        2,
      ),
    ],
    ['the engine into aim, by that', `${spread(slower, 3)}x`],
    [`/livez meanwhile, ${probesPerSecond} a second; ms`, ''],
    ...parts.map(probes),
    ['  time that the host of a virtual machine took, %', `${stolen(({ aim }) => aim)}, a bare server ${stolen(({ cat }) => cat)}`],
    [
      '  p99 of the round from which it took least',
      `${calmest(results.map(({ aim }) => aim.probes))}, a bare server ${calmest(results.map(({ cat }) => cat.probes))}`,
    ],
    [
      'probes answered',
      spread(
        results.map(({ aim }) => aim.probes.times.filter(Number.isFinite).length),
        0,
      ),
    ],
    [
      `console lines dropped of ${total}, of those nobody read`,
      spread(
        results.map(({ aim }) => aim.dropped),
        0,
      ),
    ],
    ['rounds in which the last line kept is the last written, whole', String(results.filter(({ aim }) => isLast(aim.last)).length)],
  ]
}

const calmest = (rounds: readonly Probes[]): string => {
  const [least] = rounds.toSorted((a, b) => a.stolen - b.stolen)
  return least === undefined ? '-' : `${at(least.times, 0.99).toFixed(2)} (${(100 * least.stolen).toFixed(1)} %)`
}

const isLast = (line: string): boolean => line.endsWith(`line ${String(total).padStart(9, '0')} of the flood`)

try {
  execFileSync(process.execPath, [join(root, 'docker/build.ts')], { stdio: 'inherit' })
  writeFileSync(file('flood'), flood)
  await buildModel(file('model'), { megabytes: 1, shards: 1 })
  const results: Round[] = []
  for (let round = 0; round < rounds; round++) results.push({ cat: await intoCat(), aim: await intoAim() })
  const title = `${perSecond} lines a second for ${seconds} s, ${rounds} rounds`
  process.stdout.write(`${formatTable([title, 'median (least..most)'], rowsOf(results))}\n`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
