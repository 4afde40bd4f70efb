import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheName, modelNames, readModelName } from '../../src/cache/model-name.ts'
import { repoFolder, repoOfFolder } from '../../src/cache/paths.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'

const named = [
  { text: 'org/name', kind: 'huggingface', name: 'org/name', inCache: 'org/name' },
  { text: 'hf://org/name', kind: 'huggingface', name: 'org/name', inCache: 'org/name' },
  { text: 'gpt2', kind: 'huggingface', name: 'gpt2', inCache: 'gpt2' },
  { text: 'modelscope://Qwen/Qwen3-8B', kind: 'modelscope', name: 'Qwen/Qwen3-8B', inCache: 'modelscope://Qwen/Qwen3-8B' },
  { text: 's3://bucket', kind: 's3', name: 's3://bucket', inCache: 's3://bucket' },
  { text: 's3://bucket/a/b c/', kind: 's3', name: 's3://bucket/a/b c', inCache: 's3://bucket/a/b c' },
  { text: '/mnt/models', kind: 'directory', name: '/mnt/models', inCache: '/mnt/models' },
  { text: 'file:///mnt/my%20models', kind: 'directory', name: '/mnt/my models', inCache: '/mnt/my models' },
] as const

test('a model is named by what its users write, whatever the source', () => {
  for (const { text, kind, name, inCache } of named) {
    assert.match(text, modelNames)
    assert.deepEqual(readModelName(text), { kind, name }, text)
    assert.equal(cacheName(readModelName(text)), inCache)
  }
  for (const text of ['', 'gs://bucket/x', 's3://', 's3:///x', 'hf:org/name', 'modelscope://a/b/c', 'a b', 'file://host'])
    assert.doesNotMatch(text, modelNames, text)
})

test('an address of a file on another host, or one that hides a slash, is refused', () => {
  for (const text of ['file://host/x', 'file:///a%2fb', 'file:///a%zz', 'file:///a%00'])
    assert.throws(() => readModelName(text), { exitCode: exitCodes.config }, text)
})

test('every source has its own folder in the cache, and the folder says which', () => {
  const folders = [
    ['org/name', 'models--org--name'],
    ['gpt2', 'models--gpt2'],
    ['modelscope://org/name', 'models--modelscope+--org--name'],
    ['s3://bucket', 'models--s3+--bucket'],
    ['s3://bucket/a/b', 'models--s3+--bucket--a--b'],
    ['s3://bucket/a b+c/ü', 'models--s3+--bucket--a+20b+2Bc--+C3+BC'],
    ['s3://b-ucket/x--y/-z-', 'models--s3+--b-ucket--x-+2Dy--+2Dz+2D'],
    ['s3://bucket/a//b', 'models--s3+--bucket--a----b'],
    ["s3://bucket/~'()*!", 'models--s3+--bucket--+7E+27+28+29+2A+21'],
  ] as const
  for (const [repo, folder] of folders) {
    assert.equal(repoFolder(repo), folder)
    assert.equal(repoOfFolder(folder), repo)
  }
  for (const folder of ['models--', 'datasets--a--b', 'models--a--b--c', 'models--s3+--b+ZZ', 'models--gs+--a', '.locks', 'models--s3+'])
    assert.equal(repoOfFolder(folder), undefined, folder)
  assert.throws(() => repoFolder(`s3://bucket/${'x'.repeat(250)}`), { exitCode: exitCodes.config, message: /255 bytes/ })
})
