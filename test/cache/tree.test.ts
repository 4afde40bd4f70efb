import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommit, parseTreePage } from '../../src/cache/tree.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'

const endpoint = 'https://hub.example'
const sha1 = 'a'.repeat(40)
const sha256 = 'b'.repeat(64)
const config = { name: 'Failure', exitCode: exitCodes.config }

test('parseTreePage() names an LFS file by its sha256 and a git file by its blob id, and leaves directories out', () => {
  const page = [
    { type: 'directory', path: 'sub', oid: sha1, size: 0 },
    { type: 'file', path: 'sub/config.json', oid: sha1, size: 7 },
    { type: 'file', path: 'model.safetensors', oid: sha1, size: 134, lfs: { oid: sha256, size: 5e9, pointerSize: 134 }, xetHash: 'x' },
  ]
  assert.deepEqual(parseTreePage(page, { endpoint }), [
    { path: 'sub/config.json', bytes: 7, etag: sha1, algorithm: 'git-sha1' },
    { path: 'model.safetensors', bytes: 5e9, etag: sha256, algorithm: 'sha256', pointer: sha1 },
  ])
})

test('parseTreePage() refuses a page that is none, and a name or checksum that could do harm', () => {
  const file = { type: 'file', path: 'x', oid: sha1, size: 1 }
  const bad = [
    null,
    {},
    '<html>',
    [{ ...file, path: undefined }],
    [{ ...file, path: '../../../root/.bashrc' }],
    [{ ...file, path: '/etc/passwd' }],
    [{ ...file, path: 'C:/x' }],
    [{ ...file, path: 'a\\..\\x' }],
    [{ ...file, oid: '../../x' }],
    [{ ...file, size: -1 }],
    [{ ...file, size: 1.5 }],
    [{ ...file, lfs: { oid: 'short', size: 1 } }],
  ]
  for (const page of bad) assert.throws(() => parseTreePage(page, { endpoint }), config, JSON.stringify(page))
})

test('parseCommit() wants 40 hex digits', () => {
  assert.equal(parseCommit({ sha: sha1 }, { endpoint }), sha1)
  for (const answer of [null, {}, { sha: 'main' }, { sha: 7 }]) assert.throws(() => parseCommit(answer, { endpoint }), config)
})
