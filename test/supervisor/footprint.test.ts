import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openLibc } from '../../src/std/libc.ts'
import { createFootprint, type Footprint } from '../../src/supervisor/footprint.ts'
import { processTable } from '../../src/supervisor/proc.ts'
import type { Program } from '../../src/supervisor/program.ts'
import { until } from '../stage/until.ts'
import { block, hangingMapper, mapper } from './mapper.ts'

const run = async (program: Program): Promise<ChildProcess> => {
  const child = spawn(program.file, program.arguments, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout ?? child, 'data')
  return child
}
const map = (path: string): Promise<ChildProcess> => run(mapper(path))
const kill = async (child: ChildProcess): Promise<void> => {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const footprint = (others: ReadonlySet<number> = new Set()): Footprint =>
  createFootprint({ others: () => others, reap: () => undefined, memory: () => undefined })
const reclaimed = (of: Footprint): Promise<unknown> => new Promise((resolve) => of.reclaim(20_000, resolve))

describe('createFootprint()', () => {
  if (!existsSync('/dev/shm') || openLibc() === undefined) {
    test('needs /dev/shm and node:ffi', (t) => t.diagnostic('neither is here: these checks did not run'))
    return
  }
  test('a crash during loading leaves nothing in /dev/shm that was seen to be mapped', async () => {
    const path = block()
    const engine = footprint()
    engine.begin()
    const child = await map(path)
    engine.note()
    await kill(child)
    assert.ok(existsSync(path))
    await reclaimed(engine)
    assert.ok(!existsSync(path))
  })
  const renamed: readonly [claim: string, names: number][] = [
    ['a semaphore, which is mapped under another name than it has (sem_open), goes as well', 1],
    ['so does every name of a block that has several', 2],
  ]
  for (const [claim, names] of renamed)
    test(claim, async () => {
      const [temporary, real] = [block(), Array.from({ length: names }, block)]
      const engine = footprint()
      engine.begin()
      const child = await map(temporary)
      for (const name of real) linkSync(temporary, name)
      rmSync(temporary)
      engine.note()
      await kill(child)
      assert.deepEqual(real.filter(existsSync), real)
      await reclaimed(engine)
      assert.deepEqual(real.filter(existsSync), [])
    })
  test('a process that hangs in the kernel is not asked what it has mapped, which could hold us up as well', async () => {
    const [path, fifo] = [block(), join(tmpdir(), `aim-fifo-${process.pid}`)]
    execFileSync('mkfifo', [fifo])
    const others = new Set<number>()
    const engine = footprint(others)
    engine.begin()
    const child = await run(hangingMapper(path, fifo))
    await until('it hangs', () => processTable().find(({ pid, state }) => pid === child.pid && state === 'D'))
    const waiting = await until('its child', () => processTable().find(({ parent }) => parent === child.pid))
    others.add(waiting.pid)
    engine.note()
    await kill(child)
    process.kill(waiting.pid, 'SIGKILL')
    await reclaimed(engine)
    assert.ok(existsSync(path), 'its maps were read')
    for (const file of [path, fifo]) rmSync(file)
  })
  test('what a worker that outlived the engine still maps goes with it, though nobody had looked before', async () => {
    const path = block()
    const engine = footprint()
    engine.begin()
    const child = await map(path)
    await reclaimed(engine)
    assert.equal(child.signalCode ?? (await once(child, 'exit'))[1], 'SIGKILL')
    assert.ok(!existsSync(path))
  })
  test('a file that was there before the engine stays, mapped or not, and so does one that it never mapped', async () => {
    const [older, neighbours] = [block(), block()]
    writeFileSync(older, '')
    const engine = footprint()
    engine.begin()
    const child = await map(older)
    writeFileSync(neighbours, '')
    engine.note()
    await reclaimed(engine)
    assert.equal(child.signalCode ?? (await once(child, 'exit'))[1], 'SIGKILL')
    assert.deepEqual([existsSync(older), existsSync(neighbours)], [true, true])
    for (const path of [older, neighbours]) rmSync(path)
  })
})
