import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeScratch, sweepScratches } from '../../src/serve/scratch.ts'
import { openLibc } from '../../src/std/libc.ts'

describe('a scratch directory', () => {
  let place = ''
  const temporary = process.env.TMPDIR
  before(() => {
    place = mkdtempSync(join(tmpdir(), 'aim-scratch-'))
    process.env.TMPDIR = place
  })
  after(() => {
    delete process.env.TMPDIR
    if (temporary !== undefined) process.env.TMPDIR = temporary
    rmSync(place, { recursive: true })
  })

  test('is a fresh one, and goes with all that was dropped there', () => {
    const [one, other] = [makeScratch(), makeScratch()]
    assert.notEqual(one.directory, other.directory)
    mkdirSync(join(one.directory, 'sub'))
    writeFileSync(join(one.directory, 'sub/core'), 'x')
    for (const each of [one, other, one]) each.remove()
    assert.deepEqual(readdirSync(place), [])
  })

  test('that cannot be made is the shared one, which stays', () => {
    process.env.TMPDIR = '/proc/self'
    assert.equal(makeScratch().directory, '/proc/self')
    process.env.TMPDIR = join(place, 'file')
    writeFileSync(process.env.TMPDIR, '')
    const shared = makeScratch()
    assert.equal(shared.directory, process.env.TMPDIR)
    shared.remove()
    assert.ok(existsSync(process.env.TMPDIR))
    rmSync(process.env.TMPDIR)
    process.env.TMPDIR = place
  })

  test('whose content cannot be removed fails nobody', () => {
    const scratch = makeScratch()
    const busy = join(scratch.directory, 'busy')
    mkdirSync(busy)
    writeFileSync(join(busy, 'core'), 'x')
    // Modes do not stop root, a mount does.
    const root = process.getuid?.() === 0
    if (root) execFileSync('mount', ['-t', 'tmpfs', 'none', busy])
    else chmodSync(busy, 0o500)
    assert.doesNotThrow(scratch.remove)
    assert.ok(existsSync(busy))
    if (root) execFileSync('umount', [busy])
    else chmodSync(busy, 0o700)
    rmSync(scratch.directory, { recursive: true })
  })

  test('that cannot be locked is made all the same, once', async () => {
    const source = join(import.meta.dirname, '../../src/serve/scratch.ts')
    const script = `const { makeScratch } = await import(${JSON.stringify(source)})
      process.stdout.write(makeScratch().directory)`
    // Under the permission model there is no node:ffi.
    const words = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*', '--input-type=module', '-e', script]
    const directory = execFileSync(process.execPath, words, { encoding: 'utf8' })
    assert.deepEqual(readdirSync(place), [basename(directory)])
    rmSync(directory, { recursive: true })
  })

  /** Somebody else's scratch directory, made by a process that lives until it is killed, which resolves when it is gone. */
  const another = async (): Promise<{ readonly directory: string; readonly kill: () => Promise<void> }> => {
    const source = join(import.meta.dirname, '../../src/serve/scratch.ts')
    const script = `const { makeScratch } = await import(${JSON.stringify(source)})
      globalThis.held = makeScratch()
      process.stdout.write(held.directory)
      setInterval(() => undefined, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [directory] = await once(child.stdout, 'data')
    return {
      directory: String(directory),
      kill: async () => {
        child.kill('SIGKILL')
        await once(child, 'exit')
      },
    }
  }

  if (openLibc() === undefined) {
    test('needs node:ffi', (t) => t.diagnostic('it is not here: the checks of a sweep did not run'))
    return
  }
  test('of a supervisor that was killed goes with the next sweep, those of the living and what is not ours stay', async () => {
    const [dead, living, ours] = [await another(), await another(), makeScratch()]
    const foreign = ['aim-engine-', 'aim-engine-abcdefg', 'aim-engines', 'vllm-abcdef'].map((name) => join(place, name))
    for (const each of foreign) mkdirSync(each)
    mkdirSync(join(dead.directory, 'sub'))
    writeFileSync(join(dead.directory, 'sub/core'), 'x')
    await dead.kill()
    assert.equal(await sweepScratches(), 1)
    assert.deepEqual(
      readdirSync(place)
        .map((name) => join(place, name))
        .toSorted(),
      [...foreign, living.directory, ours.directory].toSorted(),
    )
    await living.kill()
    ours.remove()
    assert.equal(await sweepScratches(), 1)
    for (const each of foreign) rmSync(each, { recursive: true })
    assert.deepEqual(readdirSync(place), [])
  })

  test('of a supervisor that was killed stays while its engine still works there', async () => {
    const dead = await another()
    await dead.kill()
    const engine = spawn('sleep', ['1000'], { cwd: dead.directory })
    await once(engine, 'spawn')
    assert.equal(await sweepScratches(), 0)
    engine.kill('SIGKILL')
    await once(engine, 'exit')
    assert.equal(await sweepScratches(), 1)
    assert.deepEqual(readdirSync(place), [])
  })

  test('is swept once when several sweep at the same time', async () => {
    const dead = await another()
    await dead.kill()
    const swept = await Promise.all([sweepScratches(), sweepScratches(), sweepScratches()])
    assert.equal(
      swept.reduce((sum, count) => sum + count, 0),
      1,
    )
    assert.deepEqual(readdirSync(place), [])
  })

  test('is left where it cannot be looked for', async () => {
    process.env.TMPDIR = join(place, 'nowhere')
    assert.equal(await sweepScratches(), 0)
    process.env.TMPDIR = place
  })
})
