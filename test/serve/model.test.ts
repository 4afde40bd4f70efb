import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FoundModel, findModel, tornDirectory } from '../../src/serve/model.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'

const config = JSON.stringify({ architectures: ['LlamaForCausalLM'], hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1 })

const directory = async (t: TestContext, files: Readonly<Record<string, string>>): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'aim-model-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries({ 'config.json': config, ...files })) await writeFile(join(path, name), text)
  return path
}

const find = (path: string): Promise<FoundModel> => {
  const rest = { repo: path, revision: 'main', cacheDir: '/nowhere', hub: { endpoint: 'http://127.0.0.1:1' }, offline: true }
  return findModel({ model: path, ...rest, signal: new AbortController().signal })
}

const index = JSON.stringify({ weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } })

test('a whole directory is served in place, through links of any kind, and nothing is asked', async (t) => {
  const path = await directory(t, { 'model.safetensors.index.json': index, 'model-1.safetensors': 'x' })
  const blobs = await directory(t, { blob: 'y' })
  await symlink(join(blobs, 'blob'), join(path, 'model-2.safetensors'))
  // As a modelcar shows its files: a link into the root of another process.
  const car = join(await directory(t, {}), 'models')
  await symlink(`/proc/${process.pid}/root${path}`, car)
  for (const place of [path, car]) {
    const found = await find(place)
    assert.equal(tornDirectory(found), undefined)
    assert.equal(found.source.path, place)
    assert.equal(found.listing, undefined)
    assert.equal(found.source.artifact, undefined)
  }
})

test('a directory that lacks a shard, the target of a link or all weights is refused with its name', async (t) => {
  const shard = await directory(t, { 'model.safetensors.index.json': index, 'model-1.safetensors': 'x' })
  const loose = await directory(t, { 'model.safetensors': 'x' })
  await symlink('/nowhere/blob', join(loose, 'tokenizer.json'))
  const bare = await directory(t, {})
  await mkdir(join(bare, 'sub'))
  for (const [path, lacks] of [
    [shard, 'model-2.safetensors'],
    [loose, 'tokenizer.json'],
    [bare, '*.safetensors'],
  ] as const) {
    const torn = tornDirectory(await find(path))
    assert.equal(torn?.message, `cannot serve ${path}: it lacks ${lacks}`)
    assert.equal(torn.exitCode, exitCodes.config)
  }
})

test('a snapshot of which only the config was pulled is not taken for the model', async (t) => {
  const cacheDir = await directory(t, {})
  const commit = 'c'.repeat(40)
  const snapshot = join(cacheDir, 'models--org--m/snapshots', commit)
  const done = join(cacheDir, 'models--org--m/.aim/done')
  await mkdir(snapshot, { recursive: true })
  await mkdir(done, { recursive: true })
  const listed = { path: 'config.json', bytes: config.length, etag: 'a'.repeat(40), algorithm: 'git-sha1' }
  const manifest = { version: 1, repo: 'org/m', commit, patterns: ['*.json'], files: [listed, { ...listed, path: 'model.safetensors' }] }
  await writeFile(join(done, `${commit}.json`), JSON.stringify(manifest))
  await writeFile(join(snapshot, 'config.json'), config)
  const asked = { model: 'org/m', repo: 'org/m', revision: commit, cacheDir, hub: { endpoint: 'http://127.0.0.1:1' }, offline: true }
  const question = { ...asked, signal: new AbortController().signal }
  await assert.rejects(findModel(question), { exitCode: exitCodes.config, message: /lacks \*\.safetensors/ })
  assert.equal((await findModel({ ...question, patterns: ['*.json'] })).source.path, snapshot)
  await writeFile(join(snapshot, 'model.safetensors'), 'x')
  assert.equal((await findModel(question)).source.path, snapshot)
})
