import assert from 'node:assert/strict'
import { mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { locate, readModelConfig, snapshotFiles } from '../../src/cache/locate.ts'
import { manifestText } from '../../src/cache/manifest.ts'
import type { RepoFile } from '../../src/cache/types.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { scratch } from './setup.ts'

const commit = '0123456789abcdef0123456789abcdef01234567'
const etagOf = (index: number): string => String(index).repeat(40)

const put = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

/** A repository in a cache as huggingface_hub leaves it: blobs, links, a ref; no listing. */
const fill = async (t: TestContext, files: Readonly<Record<string, string>>) => {
  const cacheDir = await scratch(t)
  const repo = join(cacheDir, 'models--org--m')
  const snapshot = join(repo, 'snapshots', commit)
  await put(join(repo, 'refs/main'), commit)
  for (const [index, [path, text]] of Object.entries(files).entries()) {
    await put(join(repo, 'blobs', etagOf(index)), text)
    await mkdir(dirname(join(snapshot, path)), { recursive: true })
    await symlink(join(repo, 'blobs', etagOf(index)), join(snapshot, path))
  }
  const listed: readonly RepoFile[] = Object.entries(files).map(([path, text], index) => ({
    path,
    bytes: text.length,
    etag: etagOf(index),
    algorithm: 'git-sha1',
  }))
  const manifest = (patterns: readonly string[], more: readonly RepoFile[] = []) =>
    put(join(repo, '.aim/done', `${commit}.json`), manifestText({ repo: 'org/m', commit, files: [...listed, ...more] }, patterns))
  const tree = (names: Readonly<Record<string, number>>) =>
    put(
      join(repo, 'trees', `${commit}.json`),
      JSON.stringify({
        format_version: 1,
        files: Object.fromEntries(Object.entries(names).map(([name, size]) => [name, { size, blob_id: 'x' }])),
      }),
    )
  return { cacheDir, repo, snapshot, manifest, tree }
}

const model = { 'config.json': '{}', 'sub/tokenizer.json': '{"a":1}', 'model.safetensors': 'weights' }
const absent: RepoFile = { path: 'absent.bin', bytes: 5, etag: 'f'.repeat(40), algorithm: 'git-sha1' }

test('locate() finds a snapshot by branch and by commit, whole by our manifest', async (t) => {
  const { cacheDir, snapshot, manifest } = await fill(t, model)
  await manifest([])
  const whole = { repo: 'org/m', commit, path: snapshot, missing: [] }
  assert.deepEqual(locate(cacheDir, 'org/m', 'main'), whole)
  assert.deepEqual(locate(cacheDir, 'org/m', commit), whole)
})

test('locate() knows nothing of a revision without a ref, a repository without a folder, or a ref without a snapshot', async (t) => {
  const { cacheDir, snapshot } = await fill(t, model)
  assert.equal(locate(cacheDir, 'org/m', 'v2'), undefined)
  assert.equal(locate(cacheDir, 'org/other', 'main'), undefined)
  assert.equal(locate(cacheDir, 'org/m', 'f'.repeat(40)), undefined)
  assert.equal(locate('/nowhere', 'org/m', 'main'), undefined)
  await rm(snapshot, { recursive: true })
  assert.equal(locate(cacheDir, 'org/m', 'main'), undefined)
})

test('locate() is undefined for a ref that holds no commit, and bears a newline at its end', async (t) => {
  const { cacheDir, repo } = await fill(t, model)
  await writeFile(join(repo, 'refs/main'), `${commit}\n`)
  assert.equal(locate(cacheDir, 'org/m', 'main')?.commit, commit)
  await writeFile(join(repo, 'refs/main'), '../../../etc')
  assert.equal(locate(cacheDir, 'org/m', 'main'), undefined)
})

test('locate() names what the manifest lists and the disk lacks or holds in another size', async (t) => {
  const { cacheDir, repo, snapshot, manifest } = await fill(t, model)
  await manifest([], [absent])
  assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, ['absent.bin'])
  await truncate(join(repo, 'blobs', etagOf(2)), 3)
  await rm(join(snapshot, 'sub/tokenizer.json'))
  assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, ['sub/tokenizer.json', 'model.safetensors', 'absent.bin'])
})

test('locate() judges by the patterns that were pulled, or by those it is given', async (t) => {
  const { cacheDir, manifest } = await fill(t, model)
  await manifest(['*.json', '*.safetensors'], [absent])
  assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, [])
  assert.deepEqual(locate(cacheDir, 'org/m', 'main', [])?.missing, ['absent.bin'])
  assert.deepEqual(locate(cacheDir, 'org/m', 'main', ['*.bin'])?.missing, ['absent.bin'])
})

test("locate() believes huggingface_hub's listing when there is no manifest of ours", async (t) => {
  const { cacheDir, tree } = await fill(t, model)
  await tree({ 'config.json': 2, 'sub/tokenizer.json': 7, 'model.safetensors': 7 })
  assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, [])
  await tree({ 'config.json': 2, 'model.safetensors': 8, 'absent.bin': 1 })
  assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, ['model.safetensors', 'absent.bin'])
})

test('locate() sees dangling links where nothing lists the files', async (t) => {
  const { cacheDir, repo } = await fill(t, model)
  assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, [])
  await rm(join(repo, 'blobs', etagOf(1)))
  assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, ['sub/tokenizer.json'])
})

test('locate() sees shards that the index names and the snapshot lacks', async (t) => {
  const index = JSON.stringify({ weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors', c: 'model-2.safetensors' } })
  const { cacheDir } = await fill(t, { 'config.json': '{}', 'model.safetensors.index.json': index, 'model-1.safetensors': 'w' })
  assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, ['model-2.safetensors'])
})

test('locate() does not take a model without any weights for whole', async (t) => {
  const { cacheDir } = await fill(t, { 'config.json': '{}', 'tokenizer.json': '{}' })
  assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, ['*.safetensors'])
  assert.deepEqual(locate(cacheDir, 'org/m', 'main', ['*.json'])?.missing, [])
})

test('locate() refuses an id or revision that no hub has', () => {
  const config = { name: 'Failure', exitCode: exitCodes.config }
  assert.throws(() => locate('/c', '../x', 'main'), config)
  assert.throws(() => locate('/c', 'org/m', '../../x'), config)
})

test('snapshotFiles() lists names and sizes through links, without hidden directories and dangling links', async (t) => {
  const { repo, snapshot } = await fill(t, model)
  await put(join(snapshot, '.git/HEAD'), 'x')
  await put(join(snapshot, '.gitattributes'), 'abc')
  await symlink(join(repo, 'nowhere'), join(snapshot, 'dangling'))
  assert.deepEqual(snapshotFiles(snapshot), [
    { path: '.gitattributes', bytes: 3 },
    { path: 'config.json', bytes: 2 },
    { path: 'model.safetensors', bytes: 7 },
    { path: 'sub/tokenizer.json', bytes: 7 },
  ])
  assert.deepEqual(snapshotFiles('/nowhere'), [])
})

test('readModelConfig() gives the object, or says what is wrong with the file', async (t) => {
  const directory = await scratch(t)
  const fails = (says: RegExp) =>
    assert.throws(() => readModelConfig(directory), { name: 'Failure', exitCode: exitCodes.config, message: says })
  fails(/absent or cannot be opened/)
  await writeFile(join(directory, 'adapter_config.json'), '{}')
  fails(/an adapter/)
  await writeFile(join(directory, 'config.json'), '{"a":')
  fails(/not a JSON object/)
  await writeFile(join(directory, 'config.json'), '[1]')
  fails(/not a JSON object/)
  await writeFile(join(directory, 'config.json'), '{"architectures":["X"]}')
  assert.deepEqual(readModelConfig(directory), { architectures: ['X'] })
})
