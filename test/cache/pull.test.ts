import assert from 'node:assert/strict'
import { lstat, mkdir, readdir, readFile, readlink, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { listRepo } from '../../src/cache/hub.ts'
import { locate } from '../../src/cache/locate.ts'
import { blobPath, manifestPath, refPath, snapshotPath, treePath } from '../../src/cache/paths.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { files, listener, partsBelow, pullRepo, quick, scratch, serve } from './setup.ts'

const names = Object.keys(files).sort()

test('pull() fills the cache in the layout of huggingface_hub, with the right bytes', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } }, pageSize: 3 })
  const cacheDir = await scratch(t)
  const snapshot = await pullRepo(hub, cacheDir)
  const commit = server.commit('org/m')
  assert.deepEqual(snapshot, { repo: 'org/m', commit, path: snapshotPath(cacheDir, 'org/m', commit), missing: [] })
  for (const name of names) assert.ok((await readFile(join(snapshot.path, name))).equals(Buffer.from(files[name] ?? '')), name)
  assert.equal(await readFile(refPath(cacheDir, 'org/m', 'main'), 'utf8'), commit)
  assert.match(await readFile(join(cacheDir, 'CACHEDIR.TAG'), 'utf8'), /^Signature: 8a477f597d28d172789f06886806bc55/)
  assert.equal((await readdir(join(cacheDir, 'models--org--m/blobs'))).length, names.length - 1, 'two files have the same bytes')
  assert.deepEqual(await partsBelow(cacheDir), [])
})

test('pull() makes relative links, one step up more for each directory', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const { path } = await pullRepo(hub, await scratch(t))
  assert.match(await readlink(join(path, 'config.json')), /^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/)
  assert.match(await readlink(join(path, 'onnx/weights/model.onnx')), /^(\.\.\/){4}blobs\/[0-9a-f]{64}$/)
})

test('pull() of files that others may read leaves them readable to others', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const { path } = await pullRepo(hub, await scratch(t))
  assert.equal((await stat(join(path, 'config.json'))).mode & 0o777, 0o644 & ~process.umask())
})

test('a second pull fetches and writes nothing', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const { commit } = await pullRepo(hub, cacheDir)
  const written = async () =>
    Promise.all([refPath(cacheDir, 'org/m', 'main'), manifestPath(cacheDir, 'org/m', commit)].map(async (path) => (await stat(path)).ino))
  const before = await written()
  server.requests.length = 0
  const { seen, onProgress } = listener()
  await pullRepo(hub, cacheDir, { onProgress })
  assert.deepEqual(
    server.requests.filter(({ url }) => !url.startsWith('/api/models/')),
    [],
  )
  assert.deepEqual(await written(), before)
  assert.equal(seen.at(-1)?.bytesDone, seen.at(-1)?.bytes)
})

test('pull() of a pinned commit is found by that commit, and a ref of ours keeps it', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const commit = server.commit('org/m')
  await pullRepo(hub, cacheDir, { revision: commit })
  assert.deepEqual(locate(cacheDir, 'org/m', commit)?.missing, [])
  assert.equal(locate(cacheDir, 'org/m', 'main'), undefined)
  assert.equal(await readFile(join(cacheDir, 'models--org--m/refs/aim', commit.slice(0, 12)), 'utf8'), commit)
})

test('pull() moves a branch to its new commit, fetches what changed, and leaves the old snapshot', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const { commit: before } = await pullRepo(hub, cacheDir)
  const after = await server.push('org/m', { files: { ...files, 'config.json': '{"new":true}' } })
  server.requests.length = 0
  await pullRepo(hub, cacheDir)
  assert.equal(locate(cacheDir, 'org/m', 'main')?.commit, after)
  assert.deepEqual(locate(cacheDir, 'org/m', before)?.missing, [])
  assert.deepEqual(
    server.requests.filter(({ url }) => url.includes('/resolve/')).map(({ url }) => url),
    [`/org/m/resolve/${after}/config.json`],
  )
})

test('pull() writes the ref last: until then no reader finds the snapshot', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const found: unknown[] = []
  await pullRepo(hub, cacheDir, { onProgress: () => void found.push(locate(cacheDir, 'org/m', 'main')) })
  assert.ok(found.length > names.length)
  assert.deepEqual([...new Set(found)], [undefined])
})

test("pull() by patterns takes only those files, and writes huggingface_hub's listing only of a whole snapshot", async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const { commit, path } = await pullRepo(hub, cacheDir, { patterns: ['*.json'] })
  assert.deepEqual((await readdir(path)).sort(), ['config.json', 'model.safetensors.index.json', 'same.json'])
  assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, [])
  assert.equal(locate(cacheDir, 'org/m', 'main', [])?.missing.length, names.length - 3)
  await assert.rejects(stat(treePath(cacheDir, 'org/m', commit)), { code: 'ENOENT' })
  await pullRepo(hub, cacheDir)
  assert.deepEqual(Object.keys(JSON.parse(await readFile(treePath(cacheDir, 'org/m', commit), 'utf8')).files), names)
  await pullRepo(hub, cacheDir, { patterns: ['*.md'] })
  assert.deepEqual(
    JSON.parse(await readFile(manifestPath(cacheDir, 'org/m', commit), 'utf8')).patterns,
    [],
    'what was asked for is never forgotten',
  )
})

test('pull() says when no file matches the patterns', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const failure = { name: 'Failure', exitCode: exitCodes.config, message: /none of its 8 files matches \*\.gguf/ }
  await assert.rejects(pullRepo(hub, await scratch(t), { patterns: ['*.gguf'] }), failure)
})

test('pull() reuses good blobs of others, also through links, and replaces short and dangling ones', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const listing = await listRepo(hub, 'org/m', 'main')
  const blobOf = (name: string): string => blobPath(cacheDir, 'org/m', listing.files.find(({ path }) => path === name)?.etag ?? '')
  await mkdir(join(cacheDir, 'models--org--m/blobs'), { recursive: true })
  await mkdir(join(cacheDir, 'blobs/ab'), { recursive: true })
  const shared = join(cacheDir, 'blobs/ab/store')
  await writeFile(shared, files['model-00001-of-00002.safetensors'] ?? '')
  await symlink('../../blobs/ab/store', blobOf('model-00001-of-00002.safetensors'))
  await writeFile(blobOf('model-00002-of-00002.safetensors'), files['model-00002-of-00002.safetensors'] ?? '')
  await truncate(blobOf('model-00002-of-00002.safetensors'), 9)
  await symlink('../../blobs/ab/gone', blobOf('onnx/weights/model.onnx'))
  server.requests.length = 0
  const { path } = await pullRepo(hub, cacheDir)
  for (const name of names) assert.ok((await readFile(join(path, name))).equals(Buffer.from(files[name] ?? '')), name)
  assert.equal(
    server.requests.some(({ url }) => url.includes('model-00001')),
    false,
  )
  assert.ok((await lstat(blobOf('model-00001-of-00002.safetensors'))).isSymbolicLink(), 'the shared store keeps its file')
  assert.ok((await lstat(blobOf('onnx/weights/model.onnx'))).isFile())
})

test('pull() mends links that are missing, dangle or lead elsewhere', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const { path } = await pullRepo(hub, cacheDir)
  const right = await readlink(join(path, 'README.md'))
  for (const wrong of ['nowhere', await readlink(join(path, 'config.json'))]) {
    await rm(join(path, 'README.md'))
    await symlink(wrong, join(path, 'README.md'))
    await pullRepo(hub, cacheDir)
    assert.equal(await readlink(join(path, 'README.md')), right)
  }
})

test('pull() tells its progress chunk by chunk up to the whole, and takes back bytes that were wrong', async (t) => {
  const faults = [{ at: 'cdn', path: /00001/, kind: 'wrong-bytes', times: 3 } as const]
  const { hub } = await serve(t, { repos: { 'org/m': { files } }, faults })
  const { seen, onProgress } = listener()
  await pullRepo(hub, await scratch(t), { onProgress })
  const bytes = names.filter((name) => name !== 'same.json').reduce((sum, name) => sum + Buffer.byteLength(files[name] ?? ''), 0)
  assert.deepEqual(seen[0], { files: names.length - 1, filesDone: 0, bytes, bytesDone: 0 })
  assert.equal(seen.at(-1)?.filesDone, names.length - 1)
  assert.equal(seen.at(-1)?.bytesDone, bytes)
  assert.ok(seen.every(({ bytesDone }) => bytesDone >= 0 && bytesDone <= bytes))
  assert.ok(seen.some(({ bytesDone }, index) => bytesDone < (seen[index - 1]?.bytesDone ?? 0)))
})

test('two pulls at once into one cache both end well and leave no part', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const snapshots = await Promise.all([pullRepo(hub, cacheDir), pullRepo(hub, cacheDir), pullRepo(hub, cacheDir)])
  for (const { path, missing } of snapshots) {
    assert.deepEqual(missing, [])
    for (const name of names) assert.ok((await readFile(join(path, name))).equals(Buffer.from(files[name] ?? '')), name)
  }
  assert.deepEqual(await partsBelow(cacheDir), [])
})

test('pull() refuses names that leave the snapshot, whoever made the listing', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  const listing = await listRepo(hub, 'org/m', 'main', undefined, quick)
  const [first] = listing.files
  assert.ok(first !== undefined)
  for (const path of ['../escaped', '/escaped', 'a/../../escaped']) {
    const evil = { ...listing, files: [{ ...first, path }] }
    await assert.rejects(pullRepo(hub, join(cacheDir, 'deep/er'), { listing: evil }), { name: 'Failure', exitCode: exitCodes.config })
  }
  assert.deepEqual(
    (await readdir(cacheDir, { recursive: true })).filter((name) => name.includes('escaped')),
    [],
  )
})
