import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { lstat, mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { claimText } from '../../src/cache/claim.ts'
import { prune } from '../../src/cache/prune.ts'
import { shortTimes } from './pullers.ts'
import { files, pullRepo, scratch, serve } from './setup.ts'

const hour = 3_600_000
const times = { ...shortTimes, staleMs: 200, pollMs: 50 }
const etag = (digit: string): string => digit.repeat(64)

test('an hour after its pullers were killed on other machines, a prune leaves nothing of them and all that is whole', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const cacheDir = await scratch(t)
  await pullRepo(hub, cacheDir)
  const repo = join(cacheDir, 'models--org--m')
  const before = (await readdir(repo, { recursive: true })).sort()
  const claim = claimText({ token: 't1', owner: 'another machine', seq: 4, bytesDone: 9, locked: false })
  for (const [name, text] of [
    [`blobs/${etag('a')}.t1.aim-part`, 'half'],
    [`.aim/parts/${etag('a')}.t1.json`, '{}'],
    [`.aim/parts/${etag('a')}.t1.json.tmp`, '{'],
    [`.aim/claims/${etag('a')}`, claim],
    [`.aim/claims/.${etag('b')}.t1`, claim],
    [`.aim/claims/.g.${etag('c')}.t2`, claim],
  ] as const)
    await writeFile(join(repo, name), text)
  const { leftovers } = await prune(cacheDir, {}, false, times, () => Date.now() + hour)
  assert.deepEqual(
    leftovers.map(({ name }) => name),
    [`${etag('a')}.t1.aim-part`],
  )
  assert.deepEqual((await readdir(repo, { recursive: true })).sort(), before)
})

test('what other programs have under way or made stays: blobs before their links, drafts, locks, the shared store, a ref before its files', async (t) => {
  const cacheDir = await scratch(t)
  const theirs = [
    `models--org--p/blobs/${etag('1')}`,
    `models--org--p/blobs/${etag('2')}.0123abcd.incomplete`,
    'models--org--p/blobs/notes.txt',
    'models--org--q/refs/main',
    '.locks/models--org--p/x.lock',
    'blobs/ab/store',
    'datasets--org--d/blobs/x',
  ]
  for (const name of theirs) {
    await mkdir(join(cacheDir, name, '..'), { recursive: true })
    await writeFile(join(cacheDir, name), 'x')
  }
  await symlink('../../blobs/ab/store', join(cacheDir, 'models--org--p/blobs', etag('3')))
  const { leftovers } = await prune(cacheDir, { maxBytes: 0 }, false, times)
  assert.deepEqual(leftovers, [])
  for (const name of theirs) assert.ok(existsSync(join(cacheDir, name)), name)
  await lstat(join(cacheDir, 'models--org--p/blobs', etag('3')))
})

test('a blob that no revision has had for more than an hour goes, and nothing beside it', async (t) => {
  const cacheDir = await scratch(t)
  const blobs = join(cacheDir, 'models--org--p/blobs')
  await mkdir(blobs, { recursive: true })
  for (const name of [etag('1'), etag('2'), `${etag('3')}.0123abcd.incomplete`]) await writeFile(join(blobs, name), 'x')
  const old = (Date.now() - 2 * hour) / 1000
  await utimes(join(blobs, etag('1')), old, old)
  const { leftovers } = await prune(cacheDir, {}, false, times)
  assert.deepEqual(
    leftovers.map(({ name }) => name),
    [etag('1')],
  )
  assert.deepEqual((await readdir(blobs)).sort(), [etag('2'), `${etag('3')}.0123abcd.incomplete`])
})
