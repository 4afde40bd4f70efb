/**
 * Orphans under PID 1: `npm run bench orphans [SECONDS] [COUNT]`. A burst of COUNT (10,000) that end at the same moment, then a storm that
 * lasts SECONDS (10; 60 for the long form), under tini, dumb-init and aim in turn; ratios are against tini in the same run.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { formatTable } from '../../src/cli/table.ts'
import { ensureApt } from '../engines/apt.ts'
import { buildModel } from '../hub/model.ts'
import { aimCommand } from '../stage/aim.ts'
import { type Init, startInit } from './init.ts'

const seconds = Number(process.argv[3] ?? 10)
const count = Number(process.argv[4] ?? 10_000)

/** Every child waits for the end of a pipe whose other end its parent has, so all end when the parent does: as orphans, at one moment. */
const burst = `pipe R, W; for (1..${count}) { if (!fork) { close W; sysread R, $x, 1; exit } } exit`
/** Each child has a child and ends before it. */
const storm = `$end = time + ${seconds}; while (time < $end) { $n++; if (!fork) { exit if fork; select undef, undef, undef, 0.01; exit } wait } open F, '>', $ARGV[0]; print F $n`

type Result = { readonly wall: number; readonly rate: number; readonly peak: number; readonly left: number; readonly cpu: number }

const directory = mkdtempSync(join(tmpdir(), 'aim-bench-'))
const file = (name: string): string => join(directory, name)

/** What PID 1 runs: each step begins when its file is there and tells its end by another. */
const engine = (id: string): string => {
  const step = (name: string, perl: string): string =>
    `while [ ! -e ${file(`${id}.${name}`)} ]; do sleep 0.1; done\nperl -e '${perl}' ${file(`${id}.count`)}\n: > ${file(`${id}.${name}.done`)}\n`
  writeFileSync(file(id), `#!/bin/sh\n${step('burst', burst)}${step('storm', storm.replaceAll("'", '"'))}exec sleep 1000\n`, {
    mode: 0o755,
  })
  return file(id)
}

/** Runs a step and waits until PID 1 has no child but the engine; milliseconds from its begin to that, and the most zombies seen. */
const run = async (init: Init, id: string, step: string): Promise<{ readonly ms: number; readonly peak: number }> => {
  const done = file(`${id}.${step}.done`)
  const begin = performance.now()
  writeFileSync(file(`${id}.${step}`), '')
  let peak = 0
  while (!existsSync(done)) {
    await delay(step === 'storm' ? 100 : 5)
    if (step === 'storm') peak = Math.max(peak, init.zombies())
  }
  while (init.children().length > 1) await delay(2)
  return { ms: performance.now() - begin, peak }
}

const measure = async (id: string, command: (engine: string) => readonly string[], environment = {}): Promise<Result> => {
  const program = engine(id)
  await using init = await startInit(command(program), { ...environment, AIM_ENGINE_COMMAND: program })
  while (init.children().length === 0) await delay(20)
  const before = init.cpu()
  const { ms } = await run(init, id, 'burst')
  const { peak } = await run(init, id, 'storm')
  const made = Number(readFileSync(file(`${id}.count`), 'utf8'))
  return { wall: ms, rate: made / seconds, peak, left: init.zombies(), cpu: init.cpu() - before }
}

try {
  await ensureApt('tini', 'dumb-init')
  await buildModel(file('model'), { megabytes: 1, shards: 1 })
  const serve = {
    AIM_ENGINE: 'simulator',
    AIM_MODEL_ID: file('model'),
    AIM_OPS_PORT: '0',
    AIM_TERMINATION_LOG: '/dev/null',
    AIM_LOG_LEVEL: 'error',
    TMPDIR: directory,
  }
  const results: readonly (readonly [string, Result])[] = [
    ['tini', await measure('tini', (program) => ['tini', '--', program])],
    ['dumb-init', await measure('dumb-init', (program) => ['dumb-init', '--', program])],
    ['aim serve', await measure('aim', () => [...aimCommand], serve)],
  ]
  const against = results[0]?.[1] ?? { wall: Number.NaN, rate: Number.NaN }
  process.stdout.write(
    `${formatTable(
      [
        'PID 1',
        `burst of ${count}, ms`,
        'ratio',
        `storm of ${seconds} s, orphans/s`,
        'ratio',
        'most zombies',
        'zombies at the end',
        'CPU s',
      ],
      results.map(([name, { wall, rate, peak, left, cpu }]) => [
        ...[name, wall.toFixed(0), `${(wall / against.wall).toFixed(2)}x`, rate.toFixed(0), `${(rate / against.rate).toFixed(2)}x`],
        ...[String(peak), String(left), cpu.toFixed(2)],
      ]),
    )}\n`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
