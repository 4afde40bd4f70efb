import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manifestText, parseManifest, parseTree, treeText } from '../../src/cache/manifest.ts'
import type { Listing } from '../../src/cache/types.ts'

const listing: Listing = {
  repo: 'org/m',
  commit: '0'.repeat(40),
  ref: 'main',
  files: [
    { path: 'z.json', bytes: 2, etag: '1'.repeat(40), algorithm: 'git-sha1' },
    { path: 'a.safetensors', bytes: 9, etag: '2'.repeat(64), algorithm: 'sha256', pointer: '3'.repeat(40) },
  ],
}

test('a manifest comes back as it was written', () => {
  const { repo, commit, files } = listing
  assert.deepEqual(parseManifest(manifestText(listing, ['*.json'])), { version: 1, repo, commit, patterns: ['*.json'], files })
})

test('parseManifest() takes nothing but a manifest of ours, and no name that leaves the snapshot', () => {
  const good = JSON.parse(manifestText(listing, []))
  const [file] = listing.files
  const bad = [
    '',
    'null',
    '[]',
    '{',
    JSON.stringify({ ...good, version: 2 }),
    JSON.stringify({ ...good, patterns: 'x' }),
    JSON.stringify({ ...good, files: {} }),
    JSON.stringify({ ...good, files: [{ ...file, path: '../x' }] }),
    JSON.stringify({ ...good, files: [{ ...file, bytes: '2' }] }),
    JSON.stringify({ ...good, files: [{ ...file, etag: 'x' }] }),
  ]
  for (const text of bad) assert.equal(parseManifest(text), undefined, text)
})

test('treeText() has the fields and the order that huggingface_hub writes', () => {
  assert.equal(
    treeText(listing),
    `{"format_version":1,"files":{"a.safetensors":{"size":9,"blob_id":"${'3'.repeat(40)}","lfs_sha256":"${'2'.repeat(64)}","lfs_size":9},"z.json":{"size":2,"blob_id":"${'1'.repeat(40)}"}}}`,
  )
})

test('treeText() is not made up where the listing did not name a pointer', () => {
  const files = listing.files.map(({ pointer: _, ...file }) => file)
  assert.equal(treeText({ ...listing, files }), undefined)
})

test('parseTree() reads names and sizes, and nothing it does not know', () => {
  assert.deepEqual(parseTree(treeText(listing) ?? ''), [
    { path: 'a.safetensors', bytes: 9 },
    { path: 'z.json', bytes: 2 },
  ])
  const bad = [
    '',
    '{}',
    '{"format_version":2,"files":{}}',
    '{"format_version":1,"files":{"../x":{"size":1}}}',
    '{"format_version":1,"files":{"x":{}}}',
  ]
  for (const text of bad) assert.equal(parseTree(text), undefined, text)
})
