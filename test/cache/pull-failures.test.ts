import assert from 'node:assert/strict'
import { readdirSync, statfsSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rmdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { execa } from 'execa'
import { listRepo } from '../../src/cache/hub.ts'
import { locate } from '../../src/cache/locate.ts'
import type { PullProgress } from '../../src/cache/types.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import type { Fault } from '../hub/faults.ts'
import { files, partsBelow, patterned, pullRepo, quick, scratch, serve } from './setup.ts'

const large = 'model-00001-of-00002.safetensors'
const blobsIn = async (cacheDir: string): Promise<readonly string[]> => readdir(join(cacheDir, 'models--org--m/blobs')).catch(() => [])

test('wrong bytes are fetched once more, never published, and end with 75', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } }, faults: [{ at: 'cdn', path: /00001/, kind: 'wrong-bytes' }] })
  const cacheDir = await scratch(t)
  const failure = {
    name: 'Failure',
    exitCode: exitCodes.temporary,
    message: new RegExp(`'${large}' of 'org/m': the bytes that came are not those`),
  }
  await assert.rejects(pullRepo(hub, cacheDir), failure)
  const listing = await listRepo(hub, 'org/m', 'main')
  const etag = listing.files.find(({ path }) => path === large)?.etag ?? ''
  assert.equal((await blobsIn(cacheDir)).includes(etag), false)
  assert.deepEqual(await partsBelow(cacheDir), [])
  assert.equal(locate(cacheDir, 'org/m', 'main'), undefined)
  assert.equal(
    server.requests.filter((request) => request.server === 'cdn' && request.url.includes(large) && request.range?.startsWith('bytes=0-'))
      .length,
    2,
  )
})

const recovered: readonly { name: string; fault: Fault }[] = [
  { name: 'wrong bytes once', fault: { at: 'cdn', path: /00001/, kind: 'wrong-bytes', times: 1 } },
  { name: 'resets in the middle of bodies', fault: { at: 'cdn', kind: 'reset', afterBytes: 30_000, times: 9 } },
  { name: 'a rate limit on the resolver', fault: { at: 'resolve', kind: 'rate-limit', seconds: 0, times: 1 } },
  { name: 'a burst of server errors', fault: { at: 'resolve', kind: 'status', status: 503, times: 3 } },
  { name: 'short bodies', fault: { at: 'cdn', kind: 'short', bytes: 50_000, times: 2 } },
]

for (const { name, fault } of recovered) {
  test(`pull() recovers from ${name}`, async (t) => {
    const { hub } = await serve(t, { repos: { 'org/m': { files } }, faults: [fault] })
    const cacheDir = await scratch(t)
    assert.deepEqual((await pullRepo(hub, cacheDir)).missing, [])
    assert.deepEqual(await partsBelow(cacheDir), [])
  })
}

test('a failure of one file stops the others and leaves no part', async (t) => {
  const faults: Fault[] = [
    { at: 'cdn', path: /00001/, kind: 'drip', bytesPerSecond: 1000 },
    { at: 'resolve', path: /onnx/, kind: 'status', status: 403 },
  ]
  const { hub } = await serve(t, { repos: { 'org/m': { files } }, faults })
  const cacheDir = await scratch(t)
  await assert.rejects(pullRepo(hub, cacheDir), {
    name: 'Failure',
    exitCode: exitCodes.permission,
    message: /'onnx\/weights\/model\.onnx'/,
  })
  assert.deepEqual(await partsBelow(cacheDir), [])
})

test('bytes that cannot get their name leave no part', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const etag = (await listRepo(hub, 'org/m', 'main')).files.find(({ path }) => path === large)?.etag ?? ''
  // A directory: no file is renamed over it.
  await mkdir(join(cacheDir, 'models--org--m/blobs', etag), { recursive: true })
  await assert.rejects(pullRepo(hub, cacheDir), { name: 'Failure', exitCode: exitCodes.storage, message: /EISDIR/ })
  assert.deepEqual(await partsBelow(cacheDir), [])
})

test('an abort in the middle of files throws an AbortError and leaves no part', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } }, faults: [{ at: 'cdn', kind: 'drip', bytesPerSecond: 20_000 }] })
  const cacheDir = await scratch(t)
  const abort = new AbortController()
  const atWork = ({ bytesDone, file }: PullProgress): void => {
    if (file !== large || bytesDone < 3000) return
    assert.ok(readdirSync(join(cacheDir, 'models--org--m/blobs')).some((name) => name.endsWith('.aim-part')))
    abort.abort()
  }
  await assert.rejects(pullRepo(hub, cacheDir, { signal: abort.signal, onProgress: atWork }), { name: 'AbortError' })
  assert.deepEqual(await partsBelow(cacheDir), [])
  assert.equal(locate(cacheDir, 'org/m', 'main'), undefined)
})

test('an abort before the start throws an AbortError and publishes nothing', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  await assert.rejects(pullRepo(hub, cacheDir, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  assert.deepEqual(await blobsIn(cacheDir), [])
})

test('a volume that is too small is told before the first byte, with the numbers', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const listing = await listRepo(hub, 'org/m', 'main', undefined, quick)
  const huge = { ...listing, files: listing.files.map((file) => ({ ...file, bytes: file.bytes + 2 ** 51 })) }
  server.requests.length = 0
  const failure = {
    name: 'Failure',
    exitCode: exitCodes.storage,
    message: /14 PiB are missing and .* has .*iB free/,
    fix: /^free 14 PiB there/,
  }
  await assert.rejects(pullRepo(hub, cacheDir, { listing: huge }), failure)
  assert.deepEqual(
    server.requests.filter(({ url }) => !url.startsWith('/api/models/')),
    [],
  )
})

/** A small volume, where we may mount one; says so where not. */
const smallVolume = async (t: TestContext, bytes: number): Promise<string | undefined> => {
  const directory = await mkdtemp(join(tmpdir(), 'aim-volume-'))
  const mounted = await execa('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory], { reject: false })
  t.after(async () => {
    if (!mounted.failed) await execa('umount', [directory])
    await rmdir(directory)
  })
  if (mounted.failed) {
    t.diagnostic(`not checked here: mounting a tmpfs needs root (${mounted.stderr || mounted.shortMessage})`)
    return undefined
  }
  return directory
}

const fillUp = (directory: string): void => {
  const { bavail, bsize } = statfsSync(directory)
  writeFileSync(join(directory, 'filler'), Buffer.alloc(bavail * bsize))
}

test('a volume that fills up meanwhile ends with 74, names the cause, and leaves no part (on a tmpfs, as root where mounting works)', async (t) => {
  const bytes = 3 * 1024 ** 2
  const { hub } = await serve(t, { repos: { 'org/m': { files: { 'model.safetensors': patterned(bytes) } } } })
  const cacheDir = await smallVolume(t, 2 * bytes)
  if (cacheDir === undefined) return
  let filled = false
  const onProgress = ({ bytesDone }: PullProgress): void => {
    if (filled || bytesDone === 0) return
    filled = true
    fillUp(cacheDir)
  }
  const failure = {
    name: 'Failure',
    exitCode: exitCodes.storage,
    message: /cannot store 'org\/m' in .*: the volume is full.*\(ENOSPC\)/,
    fix: /free space/,
  }
  await assert.rejects(pullRepo(hub, cacheDir, { onProgress }), failure)
  assert.deepEqual(await blobsIn(cacheDir), [])
})

test('a read-only volume ends with 74 unless everything is there (on a tmpfs, as root where mounting works)', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files }, 'org/n': { files } } })
  const cacheDir = await smallVolume(t, 8 * 1024 ** 2)
  if (cacheDir === undefined) return
  const { path } = await pullRepo(hub, cacheDir)
  const remount = await execa('mount', ['-o', 'remount,ro', cacheDir], { reject: false })
  assert.equal(remount.failed, false, remount.stderr)
  assert.equal((await pullRepo(hub, cacheDir)).path, path)
  assert.equal((await pullRepo(hub, cacheDir, { revision: locate(cacheDir, 'org/m', 'main')?.commit ?? '' })).path, path)
  const other = { ...(await listRepo(hub, 'org/n', 'main', undefined, quick)) }
  await assert.rejects(pullRepo(hub, cacheDir, { listing: other }), {
    name: 'Failure',
    exitCode: exitCodes.storage,
    message: /mounted read-only \(EROFS\)/,
  })
})

test('a cache path that is a file ends with 74', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const directory = await scratch(t)
  await writeFile(join(directory, 'cache'), '')
  await assert.rejects(pullRepo(hub, join(directory, 'cache')), { name: 'Failure', exitCode: exitCodes.storage, message: /ENOTDIR|EEXIST/ })
})

test('a directory that this user may not write ends with 74 (as another user, where we are root)', async (t) => {
  if (process.getuid?.() !== 0) return t.diagnostic('not checked here: becoming another user needs root')
  const { server } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  await mkdir(join(cacheDir, 'models--org--m'), { mode: 0o755 })
  await chmod(cacheDir, 0o755)
  const script = `
    import { pullRepo } from ${JSON.stringify(join(import.meta.dirname, 'setup.ts'))}
    process.setgid(65534); process.setuid(65534)
    await pullRepo({ endpoint: process.argv[1] }, process.argv[2]).catch((error) => console.log(error.exitCode, error.message))`
  const { stdout } = await execa(process.execPath, ['--input-type=module-typescript', '-e', script, server.url, cacheDir], {
    reject: false,
  })
  assert.match(stdout, /^74 cannot store 'org\/m' in .*: this user may not write there \(EACCES\)$/)
  assert.equal((await stat(join(cacheDir, 'models--org--m'))).uid, 0)
})
