import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openLibc } from '../../src/std/libc.ts'
import { createLedger, sweepLedgers } from '../../src/supervisor/ledger.ts'
import { block, mapper } from './mapper.ts'

/** Ledgers that this process has open: others run their checks at the same time. */
const ledgers = (): readonly string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    const path = readlink(`/proc/self/fd/${fd}`)
    return path.startsWith('/dev/shm/.aim-engine-') ? [path] : []
  })
const readlink = (path: string): string => {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** A file in shared memory of so many bytes, and its inode. */
const file = (bytes = 4096): { readonly path: string; readonly inode: number } => {
  const path = block()
  writeFileSync(path, Buffer.alloc(bytes))
  return { path, inode: statSync(path).ino }
}

/** A supervisor that lists these inodes and was killed; `more` is what it writes to its list besides. Gives the path of the list. */
const killed = async (inodes: readonly [number, ...number[]], more = ''): Promise<string> => {
  const source = join(import.meta.dirname, '../../src/supervisor/ledger.ts')
  const script = `const { createLedger } = await import(${JSON.stringify(source)})
    const { appendFileSync, existsSync, readdirSync, readlinkSync } = await import('node:fs')
    createLedger().list(new Set(${JSON.stringify(inodes)}))
    const links = readdirSync('/proc/self/fd').map((fd) => '/proc/self/fd/' + fd).filter(existsSync)
    const path = links.map((link) => readlinkSync(link)).find((path) => path.startsWith('/dev/shm/.aim-engine-'))
    appendFileSync(path, ${JSON.stringify(more)})
    process.stdout.write(path)
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [path] = await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  return String(path)
}

describe('a ledger of shared memory', () => {
  if (!existsSync('/dev/shm') || openLibc() === undefined) {
    test('needs /dev/shm and node:ffi', (t) => t.diagnostic('one of them is not here: these checks did not run'))
    return
  }

  // What an earlier run left that was killed would be counted.
  sweepLedgers()

  test('is there while something is listed, readable for its owner alone, and not before or after', () => {
    const ledger = createLedger()
    ledger.list(new Set())
    assert.deepEqual(ledgers(), [])
    ledger.list(new Set([1]))
    ledger.list(new Set([1, 2]))
    const [own = '', ...others] = ledgers()
    assert.deepEqual(others, [])
    assert.equal(statSync(own).mode & 0o777, 0o600)
    ledger.list(new Set())
    assert.deepEqual([ledgers(), existsSync(own)], [[], false])
  })

  test('of a supervisor that was killed goes with what it lists, and says how many bytes that was; everything else stays', async () => {
    const [small, large, foreign] = [file(), file(8192), file()]
    const path = await killed([small.inode, large.inode, Number.MAX_SAFE_INTEGER])
    assert.equal(sweepLedgers(), 12_288)
    assert.deepEqual([small.path, large.path, path, foreign.path].map(existsSync), [false, false, false, true])
    assert.equal(sweepLedgers(), 0)
    rmSync(foreign.path)
  })

  test('that cannot be locked is not kept: others would take it for a dead one', () => {
    const source = join(import.meta.dirname, '../../src/supervisor/ledger.ts')
    const script = `const { createLedger } = await import(${JSON.stringify(source)})
      const { existsSync, readdirSync, readlinkSync } = await import('node:fs')
      createLedger().list(new Set([1]))
      const links = readdirSync('/proc/self/fd').map((fd) => '/proc/self/fd/' + fd).filter(existsSync)
      process.stdout.write(JSON.stringify(links.map((link) => readlinkSync(link)).filter((path) => path.startsWith('/dev/shm/'))))`
    // Under the permission model there is no node:ffi.
    const words = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*', '--input-type=module', '-e', script]
    assert.equal(execFileSync(process.execPath, words, { encoding: 'utf8' }), '[]')
  })

  test('of a living supervisor stays with what it lists', () => {
    const { path, inode } = file()
    const ledger = createLedger()
    ledger.list(new Set([inode]))
    assert.equal(sweepLedgers(), 0)
    assert.ok(existsSync(path))
    ledger.list(new Set())
    rmSync(path)
  })

  test('stays with what it lists while a process has some of it mapped: its engine outlived its supervisor', async () => {
    const [{ path: other, inode: otherInode }, path] = [file(), block()]
    const program = mapper(path)
    const engine = spawn(program.file, program.arguments, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(engine.stdout, 'data')
    await killed([otherInode, statSync(path).ino])
    assert.equal(sweepLedgers(), 0)
    assert.ok(existsSync(path) && existsSync(other))
    engine.kill('SIGKILL')
    await once(engine, 'exit')
    // The engine's own block was mapped and never written to.
    assert.equal(sweepLedgers(), 4096)
    assert.ok(!existsSync(path) && !existsSync(other))
  })

  test('whose last line is cut off does not take the file whose number begins like that', async () => {
    const { path, inode } = file()
    const list = await killed([Number.MAX_SAFE_INTEGER], `${inode}`)
    assert.equal(sweepLedgers(), 0)
    assert.deepEqual([existsSync(path), existsSync(list)], [true, false])
    rmSync(path)
  })

  test("of another uid is not believed: it could name a neighbour's files", async (t) => {
    if (process.geteuid?.() !== 0) return t.diagnostic('needs root, to make one: this check did not run')
    const { path, inode } = file()
    const list = await killed([inode])
    chownSync(list, 1, 1)
    assert.equal(sweepLedgers(), 0)
    assert.deepEqual([path, list].map(existsSync), [true, true])
    for (const each of [path, list]) rmSync(each)
  })

  test('that is none is not read: a directory, a FIFO, a link, a name of another kind', () => {
    const [directory = '', fifo = '', link = '', ...others] = [
      ...['.aim-engine-0123456789ab', '.aim-engine-0123456789ac', '.aim-engine-0123456789ad', '.aim-engine-x', 'aim-engine-0123456789ab'],
    ].map((name) => join('/dev/shm', name))
    const { path, inode } = file()
    for (const name of others) writeFileSync(name, `${inode}\n`)
    mkdirSync(directory)
    execFileSync('mkfifo', [fifo])
    symlinkSync(others[0] ?? '', link)
    assert.equal(sweepLedgers(), 0)
    assert.ok(existsSync(path))
    for (const name of [directory, fifo, link, ...others, path]) rmSync(name, { recursive: true })
  })
})
