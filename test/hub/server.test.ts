import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'
import { files, scratch, serve } from '../cache/setup.ts'
import { buildModel } from './model.ts'
import { gitOid } from './repository.ts'

const name = 'model-00001-of-00002.safetensors'
const bytes = Buffer.from(files[name] ?? '')

test('the tree has the fields of the Hub: pointer and checksum of LFS files, blob ids of others, directories', async (t) => {
  const { server } = await serve(t, { repos: { 'org/m': { files } } })
  const tree = (await (await fetch(`${server.url}/api/models/org/m/tree/main?recursive=true`)).json()) as Record<string, unknown>[]
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${bytes.length}\n`
  const entry = (path: string) => tree.find((candidate) => candidate.path === path)
  const lfs = { oid: sha256, size: bytes.length, pointerSize: pointer.length }
  assert.deepEqual(entry(name), { type: 'file', oid: gitOid(pointer), size: bytes.length, path: name, lfs })
  assert.equal(entry('config.json')?.oid, gitOid(files['config.json'] ?? ''))
  assert.deepEqual(
    tree.filter(({ type }) => type === 'directory').map(({ path }) => path),
    ['onnx', 'onnx/weights'],
  )
})

test('an LFS file redirects to another host with a signed address, which serves ranges and an ETag of its own', async (t) => {
  const { server } = await serve(t, { repos: { 'org/m': { files } } })
  const redirect = await fetch(`${server.url}/org/m/resolve/main/${name}`, { method: 'HEAD', redirect: 'manual' })
  assert.deepEqual([redirect.status, redirect.headers.get('x-repo-commit')], [302, server.commit('org/m')])
  assert.equal(redirect.headers.get('x-linked-size'), String(bytes.length))
  const location = new URL(redirect.headers.get('location') ?? '')
  assert.equal(location.origin, server.cdnUrl)
  assert.notEqual(location.hostname, new URL(server.url).hostname)
  const ask = (range: string) => fetch(location, { headers: { range } })
  const part = await ask('bytes=10-19')
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 10-19/${bytes.length}`])
  assert.ok(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20)))
  assert.notEqual(part.headers.get('etag'), redirect.headers.get('x-linked-etag'))
  assert.equal((await ask(`bytes=${bytes.length}-`)).status, 416)
  location.searchParams.set('Expires', '1')
  assert.equal((await ask('bytes=0-1')).status, 403)
})

test('a commit is a hash of the contents', async (t) => {
  const { server } = await serve(t, { repos: { 'org/a': { files }, 'org/b': { files }, 'org/c': { files: { ...files, x: 'y' } } } })
  assert.match(server.commit('org/a'), /^[0-9a-f]{40}$/)
  assert.equal(server.commit('org/a'), server.commit('org/b'))
  assert.notEqual(server.commit('org/a'), server.commit('org/c'))
})

test('main.ts serves directories as repositories, prints its address, and ends at a signal', async (t) => {
  const directory = await scratch(t)
  await buildModel(directory, { megabytes: 2, shards: 1 })
  const child = execa(process.execPath, [join(import.meta.dirname, 'main.ts'), '--model', `${directory}=org/m`, '--token', 'hf_x'])
  t.after(() => child.kill())
  const url = String(
    await child[Symbol.asyncIterator]()
      .next()
      .then(({ value }) => value),
  )
  const config = await fetch(`${url}/org/m/resolve/main/config.json`)
  assert.deepEqual(((await config.json()) as { architectures: string[] }).architectures, ['LlamaForCausalLM'])
  child.kill('SIGTERM')
  assert.equal((await child).exitCode, 0)
})

test('main.ts says how it is used when told too little', async () => {
  const { exitCode, stderr } = await execa(process.execPath, [join(import.meta.dirname, 'main.ts')], { reject: false })
  assert.deepEqual([exitCode, /^usage:/.test(stderr)], [2, true])
})
