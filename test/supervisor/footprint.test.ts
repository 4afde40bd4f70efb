import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { openLibc } from '../../src/std/libc.ts'
import { createFootprint } from '../../src/supervisor/footprint.ts'

/** Maps the file named by its argument, says so and stays: what a worker does with a block of shared memory. */
const mapper = `
  const { functions } = process.getBuiltinModule('node:ffi').dlopen(null, {
    mmap: { return: 'pointer', arguments: ['uint64', 'uint64', 'int32', 'int32', 'int32', 'int64'] } })
  const file = require('node:fs').openSync(process.argv[1], 'w+')
  require('node:fs').ftruncateSync(file, 4096)
  functions.mmap(0n, 4096n, 1, 1, file, 0n)
  process.stdout.write('mapped')
  setInterval(() => undefined, 1000)`

let serial = 0
const block = (): string => `/dev/shm/psm_test_${process.pid}_${serial++}`

const map = async (path: string): Promise<ChildProcess> => {
  const child = spawn(process.execPath, ['--no-warnings', '-e', mapper, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout ?? child, 'data')
  return child
}

const footprint = () => createFootprint({ others: () => new Set(), reap: () => undefined, memory: () => undefined })
const reclaimed = (of: ReturnType<typeof footprint>): Promise<unknown> => new Promise((resolve) => of.reclaim(20_000, resolve))

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
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.ok(existsSync(path))
    await reclaimed(engine)
    assert.ok(!existsSync(path))
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
