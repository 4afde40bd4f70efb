import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import {
  blobPath,
  isCommit,
  isRelativePath,
  isRepoId,
  isRevision,
  linkTarget,
  manifestPath,
  pinnedRef,
  refPath,
  repoFolder,
  snapshotFilePath,
  snapshotPath,
  treePath,
} from '../../src/cache/paths.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'

const commit = '0123456789abcdef0123456789abcdef01234567'
const config = { name: 'Failure', exitCode: exitCodes.config }

test('isRepoId() takes what the Hub gives and nothing that could leave the cache', () => {
  const good = ['gpt2', 'org/name', 'meta-llama/Llama-3.1-8B-Instruct', 'a_b/c.d', 'O/X']
  const bad = [
    '',
    '/',
    'a/',
    '/a',
    'a/b/c',
    '../x',
    'a/..',
    'a--b/c',
    'a/b.git',
    '.a/b',
    'a/-b',
    'a/b ',
    'a\\b',
    'a/b\0',
    `a/${'x'.repeat(97)}`,
    'datasets/a/b',
  ]
  for (const id of good) assert.equal(isRepoId(id), true, id)
  for (const id of bad) assert.equal(isRepoId(id), false, JSON.stringify(id))
})

test('isRevision() follows git check-ref-format', () => {
  const good = ['main', 'v1.0', 'refs/pr/1', 'feature/x_y-z', 'aim/0123456789ab', commit]
  const bad = [
    '',
    '/main',
    'main/',
    'a//b',
    '..',
    'a/../b',
    'a..b',
    '.a',
    'a/.b',
    'a.',
    'a.lock',
    'a b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[b',
    'a\\b',
    'a\nb',
    '@{u}',
    '-x',
  ]
  for (const name of good) assert.equal(isRevision(name), true, name)
  for (const name of bad) assert.equal(isRevision(name), false, JSON.stringify(name))
})

test('isRelativePath() refuses every way out of a directory', () => {
  const good = ['config.json', 'a/b/c.bin', '..a', 'a..', '...', 'name with spaces', '.gitattributes', 'ü/日本']
  const bad = [
    '',
    '.',
    '..',
    '../x',
    'a/../b',
    'a/./b',
    '/etc/passwd',
    'a//b',
    'a/',
    'C:/x',
    'c:x',
    '\\\\host\\x',
    'a\\..\\b',
    'a\0b',
    'a\nb',
  ]
  for (const path of good) assert.equal(isRelativePath(path), true, path)
  for (const path of bad) assert.equal(isRelativePath(path), false, JSON.stringify(path))
})

test('the layout is the one of huggingface_hub', () => {
  const sha256 = 'a'.repeat(64)
  assert.equal(repoFolder('org/Name'), 'models--org--Name')
  assert.equal(repoFolder('gpt2'), 'models--gpt2')
  assert.equal(snapshotPath('/c', 'org/m', commit), `/c/models--org--m/snapshots/${commit}`)
  assert.equal(snapshotFilePath('/c', 'org/m', commit, 'a/b'), `/c/models--org--m/snapshots/${commit}/a/b`)
  assert.equal(blobPath('/c', 'org/m', sha256), `/c/models--org--m/blobs/${sha256}`)
  assert.equal(refPath('/c', 'org/m', 'refs/pr/1'), '/c/models--org--m/refs/refs/pr/1')
  assert.equal(treePath('/c', 'org/m', commit), `/c/models--org--m/trees/${commit}.json`)
  assert.equal(manifestPath('/c', 'org/m', commit), `/c/models--org--m/.aim/done/${commit}.json`)
  assert.equal(refPath('/c', 'org/m', pinnedRef(commit)), '/c/models--org--m/refs/aim/0123456789ab')
})

test('linkTarget() leads from the snapshot to the blob, however deep the file lies', () => {
  for (const path of ['config.json', 'a/b.json', 'a/b/c/d.bin']) {
    const entry = snapshotFilePath('/c', 'org/m', commit, path)
    assert.equal(posix.join(posix.dirname(entry), linkTarget(path, commit)), blobPath('/c', 'org/m', commit), path)
  }
})

test('every path made of names from elsewhere is refused when the name is impossible', () => {
  assert.throws(() => repoFolder('../../etc'), config)
  assert.throws(() => snapshotPath('/c', 'org/m', 'main'), config)
  assert.throws(() => snapshotPath('/c', 'org/m', commit.toUpperCase()), config)
  assert.throws(() => snapshotFilePath('/c', 'org/m', commit, '../../../x'), config)
  assert.throws(() => blobPath('/c', 'org/m', '../x'), config)
  assert.throws(() => refPath('/c', 'org/m', '../main'), config)
})

test('isCommit() is exact', () => {
  assert.equal(isCommit(commit), true)
  for (const text of ['', 'main', commit.slice(1), `${commit}0`, `${commit}\n`, commit.toUpperCase()]) assert.equal(isCommit(text), false)
})
