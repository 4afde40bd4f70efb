import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { exportRevision } from '../../src/cache/archive.ts'
import { holdingsOf } from '../../src/cache/inventory.ts'
import { files, pullRepo, scratch, serve } from './setup.ts'

test('an export is over when its reader has taken all of it, not when all of it was offered', async (t) => {
  const cacheDir = await scratch(t)
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  await pullRepo(hub, cacheDir)
  const [held] = holdingsOf(cacheDir)
  const [revision] = held?.revisions ?? []
  assert.ok(held !== undefined && revision !== undefined)
  let offered = 0
  let taken = 0
  const reader = new Writable({
    highWaterMark: 1 << 24,
    write: (chunk: Buffer, _encoding, done) => {
      offered += chunk.length
      setImmediate(() => {
        taken += chunk.length
        done()
      })
    },
  })
  await exportRevision(cacheDir, held, revision, reader)
  assert.equal(reader.writableLength, 0)
  assert.equal(taken, offered)
  assert.ok(taken > 1_000_000, String(taken))
})
