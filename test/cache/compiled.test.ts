import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { claimText } from '../../src/cache/claim.ts'
import { compiledIn, createKeeper, seedCompiled } from '../../src/cache/compiled.ts'
import { archiveName, type CompiledArchive, candidatesFor, expired, parseArchiveName } from '../../src/cache/compiled-names.ts'
import { vllmCompileCaches } from '../../src/engine/compile-caches.ts'
import { scratch } from './setup.ts'

const key = { place: 'vllm-0.32.0/gfx942/bf16-tp1', model: 'org/m', host: '0123abcd', launch: 'a1' }
const digest = 'd'.repeat(64)
const { kept } = vllmCompileCaches
const plenty = 1024 ** 3

const archive = (more: Partial<CompiledArchive>): CompiledArchive => ({
  ...key,
  ...{ model: 'org--m', path: '', digest, bytes: 10, usedMs: 0 },
  ...more,
})

/** What an engine leaves below its root: what is kept, and what is true of one machine alone. */
const compile = async (root: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
}

const compiled = {
  'vllm/torch_compile_cache/torch_aot_compile/ab/rank_0_0/model': 'graph',
  'vllm/torch_compile_cache/0123456789/rank_0_0/backbone/vllm_compile_cache.py': '{}',
  'triton/KEY/kernel.hsaco': 'code',
}
const ofThisMachine = {
  'vllm/gpu_p2p_access_cache_for_0,1.json': '{}',
  'vllm/startup_plan/startup_plan_1.json': '{}',
  'triton/KEY/tmp.pid_1/kernel.hsaco': 'half',
  'vllm/rocm_segmented_attention/x.json.lock': '',
}

const filesIn = async (root: string): Promise<Readonly<Record<string, string>>> => {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Object.fromEntries(
    await Promise.all(files.sort().map(async (path) => [path.slice(root.length + 1), await readFile(path, 'utf8')])),
  )
}

test('an archive is named by its key and checksum, and reads back', () => {
  const name = archiveName({ ...key, model: 'org/a.b-1:x' }, digest)
  assert.deepEqual(parseArchiveName(name), { model: 'org--a.b-1_x', host: key.host, launch: key.launch, digest })
  for (const other of ['x.tar', `${name}.aim-part`, `org--m.0123abcd.a1.${'g'.repeat(64)}.tar`])
    assert.equal(parseArchiveName(other), undefined)
})

test('a launch takes its own archive first, then the latest of its model, and none of another place, model or processor', () => {
  const all = [
    archive({ path: 'old', launch: 'b2', usedMs: 1 }),
    archive({ path: 'late', launch: 'c3', usedMs: 9 }),
    archive({ path: 'own', usedMs: 2 }),
    archive({ path: 'place', place: 'vllm-0.31.0/gfx942/bf16-tp1' }),
    archive({ path: 'model', model: 'org--n' }),
    archive({ path: 'host', host: 'ffffffff' }),
  ]
  assert.deepEqual(
    candidatesFor(key, all).map(({ path }) => path),
    ['own', 'late', 'old'],
  )
})

test('the least recently used go until the rest fits, and those that are too old', () => {
  const all = [3, 1, 2].map((usedMs) => archive({ path: String(usedMs), usedMs }))
  const gone = (limits: Parameters<typeof expired>[1]): readonly string[] => expired(all, limits, 10).map(({ path }) => path)
  assert.deepEqual(gone({ maxBytes: 30 }), [])
  assert.deepEqual(gone({ maxBytes: 20 }), ['1'])
  assert.deepEqual(gone({ maxBytes: 5 }), ['1', '2', '3'])
  assert.deepEqual(gone({ olderThanMs: 7 }), ['1', '2'])
  assert.deepEqual(gone({}), [])
})

test('what an engine compiled comes back in another container, without what is true of one machine alone', async (t) => {
  const [volume, one, two] = [await scratch(t), join(await scratch(t), 'root'), join(await scratch(t), 'root')]
  await compile(one, { ...compiled, ...ofThisMachine })
  const keep = createKeeper(volume, key, one, kept, plenty)
  assert.ok('archive' in ((await keep()) ?? {}))
  assert.equal(await keep(), undefined, 'nothing is new')
  assert.ok(await seedCompiled(volume, key, two))
  assert.deepEqual(await filesIn(two), Object.fromEntries(Object.entries(compiled).sort()))
  assert.equal(await createKeeper(volume, key, two, kept, plenty)(), undefined, 'what was brought need not be kept again')
  assert.deepEqual(await readdir(join(volume, '.claims')), [])
})

test('what is new replaces the archive of the same launch', async (t) => {
  const [volume, root] = [await scratch(t), join(await scratch(t), 'root')]
  await compile(root, compiled)
  const keep = createKeeper(volume, key, root, kept, plenty)
  await keep()
  await compile(root, { 'triton/LATER/kernel.hsaco': 'more code' })
  const second = await keep()
  assert.deepEqual(
    compiledIn(volume).map(({ path }) => path),
    [second !== undefined && 'archive' in second && second.archive],
  )
})

test('a damaged archive, a link, and one that anybody may write to are not taken', async (t) => {
  const [volume, root, target] = [await scratch(t), join(await scratch(t), 'root'), join(await scratch(t), 'target')]
  await compile(root, compiled)
  await createKeeper(volume, key, root, kept, plenty)()
  const path = compiledIn(volume)[0]?.path ?? ''
  const bytes = await readFile(path)
  await chmod(path, 0o666)
  assert.equal(await seedCompiled(volume, key, target), undefined)
  await chmod(path, 0o644)
  await writeFile(path, bytes.fill(1, 2000, 2001))
  assert.equal(await seedCompiled(volume, key, target), undefined)
  const place = join(await scratch(t), key.place)
  await mkdir(place, { recursive: true })
  await symlink(path, join(place, archiveName(key, compiledIn(volume)[0]?.digest ?? '')))
  assert.equal(await seedCompiled(dirname(dirname(dirname(place))), key, target), undefined)
  assert.deepEqual(await readdir(dirname(target)), [], 'nothing is left of the tries')
})

test('one of a foreign user is not taken, one of our group is', { skip: process.getuid?.() !== 0 && 'needs root' }, async (t) => {
  const [volume, root, target] = [await scratch(t), join(await scratch(t), 'root'), join(await scratch(t), 'target')]
  await compile(root, compiled)
  await createKeeper(volume, key, root, kept, plenty)()
  const path = compiledIn(volume)[0]?.path ?? ''
  await chown(path, 4242, 4242)
  assert.equal(await seedCompiled(volume, key, target), undefined)
  await chown(path, 4242, 0)
  assert.ok(await seedCompiled(volume, key, target))
})

test('under any umask it is kept so that who may read it trusts it', async (t) => {
  for (const umask of [0o000, 0o022, 0o077]) {
    const [volume, root] = [await scratch(t), join(await scratch(t), 'root')]
    await compile(root, compiled)
    const before = process.umask(umask)
    await createKeeper(volume, key, root, kept, plenty)().finally(() => process.umask(before))
    assert.equal(
      (await stat(compiledIn(volume)[0]?.path ?? '')).mode & 0o777,
      0o664 & ~umask & (umask === 0 ? 0o777 : 0o755),
      String(umask),
    )
  }
})

test('all together stay below the size, the least recently used go first', async (t) => {
  const volume = await scratch(t)
  const big = { 'triton/BIG/kernel.hsaco': 'x'.repeat(400_000) }
  const keep = async (launch: string): Promise<unknown> => {
    const root = join(await scratch(t), 'root')
    await compile(root, big)
    return createKeeper(volume, { ...key, launch }, root, kept, 1_000_000)()
  }
  await keep('a1')
  await keep('b2')
  for (const { path, launch } of compiledIn(volume)) await utimes(path, launch === 'a1' ? 5 : 4, launch === 'a1' ? 5 : 4)
  await keep('c3')
  assert.deepEqual(
    compiledIn(volume).map(({ launch }) => launch),
    ['a1', 'c3'],
  )
  const root = join(await scratch(t), 'root')
  await compile(root, { 'triton/BIG/kernel.hsaco': 'x'.repeat(1_000_001) })
  assert.deepEqual(await createKeeper(volume, key, root, kept, 1_000_000)(), { because: 'it is larger than all compile caches may be' })
})

test('while another keeps the same nobody waits, and what a dead one left goes', async (t) => {
  const [volume, root] = [await scratch(t), join(await scratch(t), 'root')]
  await compile(root, compiled)
  const claims = join(volume, '.claims')
  const name = `${key.place.replaceAll('/', '.')}.org--m.${key.host}.${key.launch}`
  await mkdir(claims, { recursive: true })
  await mkdir(join(volume, key.place), { recursive: true })
  const part = join(volume, key.place, `org--m.${key.host}.${key.launch}.0000000000000000.aim-part`)
  await writeFile(part, 'half')
  await writeFile(join(claims, name), claimText({ token: 't', owner: 'another machine', seq: 0, bytesDone: 0, locked: false }))
  const keep = createKeeper(volume, key, root, kept, plenty)
  assert.equal(await keep(), undefined)
  assert.deepEqual(compiledIn(volume), [])
  // A process of this machine that has ended.
  const { pid } = spawnSync('true')
  const { ownerOfThis } = await import('../../src/cache/owner.ts')
  const owner = ownerOfThis().replace(/\/\d+\/(\d+)$/, `/${pid}/$1`)
  await writeFile(join(claims, name), claimText({ token: 't', owner, seq: 0, bytesDone: 0, locked: false }))
  assert.equal(await keep(), undefined)
  assert.ok('archive' in ((await keep()) ?? {}))
  await assert.rejects(stat(part), { code: 'ENOENT' })
})

test('a volume without caches gives none, and one that cannot be written takes none', async (t) => {
  const [volume, root] = [await scratch(t), join(await scratch(t), 'root')]
  assert.equal(await seedCompiled(join(volume, 'absent'), key, root), undefined)
  await compile(root, compiled)
  await assert.rejects(createKeeper('/proc/aim', key, root, kept, plenty)())
})
