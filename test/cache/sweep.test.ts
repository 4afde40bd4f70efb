import assert from 'node:assert/strict'
import { link, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { claimText } from '../../src/cache/claim.ts'
import { leftIn } from './pullers.ts'
import { files, pullRepo, scratch, serve } from './setup.ts'

/** A killed claimant's record, under each of the names that it has then, in the order in which they are made. */
const rows: readonly (readonly [claim: string, names: (etag: string, at: number) => readonly string[]])[] = [
  ['while it took the claim of another that was killed', (etag, at) => [`.${etag}.t${at}`, `.g.${etag}.t${at}`]],
  [
    'while it took such a claim, on a file system that lists names the other way round',
    (etag, at) => [`.g.${etag}.t${at}`, `.${etag}.t${at}`],
  ],
  [
    'while it put back a claim that turned out to live until just now',
    (etag, at) => [`.${etag}.t${at}`, `.g.${etag}.t${at}`, ...(at === 0 ? [etag] : [])],
  ],
]

for (const [claim, names] of rows)
  test(`a pull leaves nothing of one that was killed ${claim}`, async (t) => {
    const { hub } = await serve(t, { repos: { 'org/m': { files } } })
    const cacheDir = await scratch(t)
    await pullRepo(hub, cacheDir)
    const [etag = ''] = await readdir(join(cacheDir, 'models--org--m/blobs'))
    const claims = join(cacheDir, 'models--org--m/.aim/claims')
    await mkdir(claims, { recursive: true })
    const record = join(cacheDir, 'record')
    // Many, since a file system lists names in an order of its own.
    for (let at = 0; at < 8; at++) {
      await writeFile(record, claimText({ token: `t${at}`, owner: 'another machine', seq: 4, bytesDone: 9, locked: false }))
      for (const name of names(etag, at)) await link(record, join(claims, name))
      await rm(record)
    }
    await pullRepo(hub, cacheDir)
    assert.deepEqual(leftIn(cacheDir), [])
  })
