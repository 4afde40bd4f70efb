import assert from 'node:assert/strict'
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { headersBelow, keptHeaders } from '../../src/cache/headers.ts'
import { headersOnHub } from '../../src/cache/hub-headers.ts'
import { keepHeaders } from '../../src/cache/keep-headers.ts'
import { snapshotFiles } from '../../src/cache/locate.ts'
import { tensorsPath } from '../../src/cache/paths.ts'
import { prune } from '../../src/cache/prune.ts'
import { sourceOf } from '../../src/cache/source.ts'
import type { Hub } from '../../src/cache/types.ts'
import type { StoredTensor } from '../../src/std/safetensors.ts'
import { buildModel } from '../hub/model.ts'
import { safetensorsHeader, type Tensor } from '../hub/safetensors.ts'
import { startModelScope } from '../modelscope/server.ts'
import { pullRepo, quick, scratch, serve } from './setup.ts'

const everything = { shards: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

const model = async (t: TestContext, shards: number): Promise<{ directory: string; paths: readonly string[] }> => {
  const directory = await scratch(t)
  await buildModel(directory, { megabytes: 12, shards })
  return { directory, paths: snapshotFiles(directory).map(({ path }) => path) }
}

const ask = async (hub: Hub, repo = 'org/m') => ({
  ...{ hub, signal: undefined, transfer: quick },
  listing: await (await sourceOf(hub)).list(repo, 'main', undefined, quick),
})

const sorted = (tensors: readonly StoredTensor[] | undefined) => tensors?.toSorted((a, b) => (a.name < b.name ? -1 : 1))

test('the headers on a hub are those of the files, for one ranged request and its redirect a shard and 128 KiB of it at most', async (t) => {
  const { directory, paths } = await model(t, 3)
  const { server, hub } = await serve(t, { repos: { 'org/m': { directory } } })
  const asked = await ask(hub)
  const [before, sent] = [server.requests.length, server.sent.bytes]
  const { tensors } = await headersOnHub(asked, everything)
  assert.deepEqual(sorted(tensors), sorted(headersBelow(directory, paths, everything).tensors))
  const requests = server.requests.slice(before)
  assert.deepEqual(
    requests.map(({ range }) => range),
    requests.map(() => 'bytes=0-131071'),
  )
  assert.equal(requests.length, 3 * 2)
  assert.ok(server.sent.bytes - sent <= 3 * 128 * 1024, String(server.sent.bytes - sent))
  const sizes = await Promise.all(paths.filter((path) => path.endsWith('.safetensors')).map((path) => stat(join(directory, path))))
  const values = tensors?.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0
  assert.ok(values < sizes.reduce((sum, { size }) => sum + size, 0) && values > 10 * 2 ** 20)
})

/** A file of many experts, whose header is longer than the first request. */
const mixture: readonly Tensor[] = Array.from({ length: 2000 }, (_, index) => ({
  name: `model.layers.0.mlp.experts.${index}.a_rather_long_name_so_that_the_header_grows.weight`,
  shape: [1, 1],
  fill: 'zeros',
}))
const mixtureFile = Buffer.concat([safetensorsHeader(mixture), Buffer.alloc(4000)])

test('a header longer than the first request takes a second one, and its experts are told as one', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files: { 'model.safetensors': mixtureFile } } } })
  const asked = await ask(hub)
  const before = server.requests.length
  const { tensors } = await headersOnHub(asked, everything)
  assert.deepEqual(tensors, [{ name: mixture[0]?.name.replace('.0.a', '.*.a'), dtype: 'BF16', shape: [1, 1], copies: 2000, bytes: 4000 }])
  assert.equal(server.requests.length - before, 4)
  assert.deepEqual(await headersOnHub(asked, { shards: 64, bytes: 1000 }), {}, 'too long to be worth it')
  assert.deepEqual(await headersOnHub(asked, { shards: 0, bytes: 1e9 }), {}, 'too many to be worth it')
})

test('a server that ignores the range is left when the header is there', async (t) => {
  const directory = await scratch(t)
  await writeFile(join(directory, 'model.safetensors'), mixtureFile)
  await truncate(join(directory, 'model.safetensors'), 64 * 2 ** 20)
  const faults = [{ at: 'cdn', kind: 'ignore-range' } as const]
  const { server, hub } = await serve(t, { repos: { 'org/m': { directory } }, faults: [...faults] })
  const { tensors } = await headersOnHub(await ask(hub), everything)
  assert.equal(tensors?.[0]?.copies, 2000)
  assert.ok(server.sent.bytes < 32 * 2 ** 20, String(server.sent.bytes))
})

test('where only the index tells which files are meant, the others are not counted', async (t) => {
  const file = (name: string) => Buffer.concat([safetensorsHeader([{ name, shape: [2], fill: 'zeros' }]), Buffer.alloc(4)])
  const files = {
    'a.safetensors': file('a'),
    'b.safetensors': file('b'),
    'model.safetensors.index.json': JSON.stringify({ weight_map: { a: 'a.safetensors' } }),
  }
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const directory = await scratch(t)
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(directory, name), bytes)
  for (const { tensors } of [await headersOnHub(await ask(hub), everything), headersBelow(directory, Object.keys(files), everything)])
    assert.deepEqual(
      tensors?.map(({ name }) => name),
      ['a'],
    )
})

test('headers that cannot be had are said to be so, with the reason, and nothing is thrown', async (t) => {
  const { directory } = await model(t, 1)
  const refused = [{ at: 'cdn', kind: 'status', status: 403 } as const]
  const { hub } = await serve(t, { repos: { 'org/m': { directory } }, faults: [...refused] })
  assert.match((await headersOnHub(await ask(hub), everything)).unread ?? '', /^the headers of the weights of org\/m cannot be read: /)
  const path = join(directory, 'model.safetensors')
  await truncate(path, 100)
  assert.match(headersBelow(directory, ['model.safetensors'], everything).unread ?? '', /model\.safetensors cannot be read: .*cut short/)
  await writeFile(path, 'no tensors here')
  assert.match(headersBelow(directory, ['model.safetensors'], everything).unread ?? '', /does not begin as a safetensors file does/)
  await rm(path)
  assert.match(headersBelow(directory, ['model.safetensors'], everything).unread ?? '', /ENOENT/)
})

test('ModelScope gives them the same way', async (t) => {
  const server = await startModelScope({ models: { 'org/m': { 'config.json': '{}', 'model.safetensors': mixtureFile } } })
  t.after(() => server.close())
  const { tensors } = await headersOnHub(await ask({ kind: 'modelscope', endpoint: server.url }, 'modelscope://org/m'), everything)
  assert.equal(tensors?.[0]?.copies, 2000)
})

test('beside a pulled snapshot the list of its tensors is kept: a later start opens no shard, and a prune takes it along', async (t) => {
  const { directory, paths } = await model(t, 3)
  const { server, hub } = await serve(t, { repos: { 'org/m': { directory } } })
  const cacheDir = await scratch(t)
  const snapshot = await pullRepo(hub, cacheDir)
  assert.equal(keptHeaders(cacheDir, 'org/m', snapshot.commit), undefined)
  await keepHeaders(cacheDir, snapshot, paths)
  const kept = tensorsPath(cacheDir, 'org/m', snapshot.commit)
  assert.deepEqual(keptHeaders(cacheDir, 'org/m', snapshot.commit), headersBelow(directory, paths, everything).tensors)
  assert.deepEqual(await readdir(join(kept, '..')), [`${snapshot.commit}.json`])
  await writeFile(kept, `${(await readFile(kept, 'utf8')).slice(0, 50)}`)
  assert.equal(keptHeaders(cacheDir, 'org/m', snapshot.commit), undefined, 'half a list is none')
  await server.push('org/m', { files: { 'config.json': '{}' } })
  await pullRepo(hub, cacheDir)
  await prune(cacheDir, { revision: snapshot.commit }, false)
  assert.deepEqual(await readdir(join(kept, '..')), [])
})
