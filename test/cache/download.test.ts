import assert from 'node:assert/strict'
import { test } from 'node:test'
import { download } from '../../src/cache/download.ts'
import { listRepo } from '../../src/cache/hub.ts'
import type { Transfer } from '../../src/cache/retry.ts'
import type { Hub } from '../../src/cache/types.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import type { Fault } from '../hub/faults.ts'
import { files, quick, serve } from './setup.ts'

const large = 'model-00001-of-00002.safetensors'
const expected = Buffer.from(files[large] ?? '')

const collect = async (hub: Hub, path = large, transfer: Transfer = quick, signal?: AbortSignal): Promise<Buffer> => {
  const listing = await listRepo(hub, 'org/m', 'main', undefined, quick)
  const file = listing.files.find((candidate) => candidate.path === path)
  assert.ok(file !== undefined)
  const chunks: Buffer[] = []
  for await (const chunk of download(hub, listing, file, signal, transfer)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('download() fetches a large file in ranges, from the storage host, without the token', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } } })
  assert.ok((await collect(hub)).equals(expected))
  const atCdn = server.requests.filter((request) => request.server === 'cdn')
  assert.deepEqual(
    atCdn.map(({ range }) => range),
    ['bytes=0-399999', 'bytes=400000-799999', 'bytes=800000-1000002'],
  )
  assert.deepEqual([...new Set(atCdn.map(({ authorization }) => authorization))], [undefined])
  assert.notEqual(atCdn[0]?.host, new URL(server.url).host)
  const atHub = server.requests.filter((request) => request.server === 'hub')
  assert.deepEqual([...new Set(atHub.map(({ authorization }) => authorization))], ['Bearer hf_valid'])
})

test('download() asks for a small file whole, and for an empty one not at all', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } }, smallFiles: 'redirect' })
  assert.equal((await collect(hub, 'config.json')).toString(), files['config.json'])
  assert.equal((await collect(hub, 'empty.txt')).length, 0)
  assert.deepEqual(
    server.requests.map(({ range }) => range).filter((range) => range !== undefined),
    [],
  )
  assert.equal(
    server.requests.some(({ url }) => url.includes('empty.txt')),
    false,
  )
})

const recoveries: readonly { name: string; faults: readonly Fault[] }[] = [
  { name: 'a connection that is reset in the middle', faults: [{ at: 'cdn', kind: 'reset', afterBytes: 150_000, times: 2 }] },
  { name: 'a connection that is reset before the first byte', faults: [{ at: 'cdn', kind: 'reset', afterBytes: 0, times: 2 }] },
  { name: 'an answer that is too short', faults: [{ at: 'cdn', kind: 'short', bytes: 100_000, times: 1 }] },
  { name: 'an answer that ignores the range', faults: [{ at: 'cdn', kind: 'ignore-range', times: 9 }] },
  {
    name: 'an answer that ignores the range of a second try',
    faults: [
      { at: 'cdn', kind: 'reset', afterBytes: 150_000, times: 1 },
      { at: 'cdn', kind: 'ignore-range', times: 1 },
    ],
  },
  { name: 'a signed address that has run out', faults: [{ at: 'resolve', path: /safetensors/, kind: 'expired', times: 2 }] },
  { name: 'a storage host that refuses for a while', faults: [{ at: 'cdn', kind: 'status', status: 403, times: 2 }] },
  { name: 'errors of the resolver', faults: [{ at: 'resolve', path: /safetensors/, kind: 'status', status: 500, times: 3 }] },
]

for (const { name, faults } of recoveries) {
  test(`download() gets the right bytes past ${name}`, async (t) => {
    const { hub } = await serve(t, { repos: { 'org/m': { files } }, faults: [...faults] })
    assert.ok((await collect(hub)).equals(expected))
  })
}

test('download() goes on where a connection broke, and counts tries anew after progress', async (t) => {
  const { server, hub } = await serve(t, {
    repos: { 'org/m': { files } },
    faults: [{ at: 'cdn', kind: 'reset', afterBytes: 60_000, times: 12 }],
  })
  assert.ok((await collect(hub)).equals(expected))
  assert.equal(server.requests.filter(({ range }) => range?.startsWith('bytes=0-')).length, 2, 'one at the hub, one at the storage host')
})

test('download() leaves a connection on which nothing comes any more', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } }, faults: [{ at: 'cdn', kind: 'silence', times: 1 }] })
  assert.ok((await collect(hub, large, { ...quick, idleMs: 100 })).equals(expected))
})

const ends: readonly { name: string; fault: Fault; says: RegExp }[] = [
  {
    name: 'every signed address has run out',
    fault: { at: 'resolve', path: /safetensors/, kind: 'expired' },
    says: /storage host.*403.*4 tries/,
  },
  {
    name: 'every answer is cut short before it helps',
    fault: { at: 'cdn', kind: 'short', bytes: 100 },
    says: /ends at byte \d+ of 1000003; gave up/,
  },
  { name: 'every connection is reset', fault: { at: 'cdn', kind: 'reset', afterBytes: 0 }, says: /connection was closed|reset/ },
]

for (const { name, fault, says } of ends) {
  test(`download() ends with 75 when ${name}`, async (t) => {
    const { hub } = await serve(t, { repos: { 'org/m': { files } }, faults: [fault] })
    await assert.rejects(collect(hub), { name: 'Failure', exitCode: exitCodes.temporary, message: says })
  })
}

test('download() shows no signature when a storage host refuses', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } }, faults: [{ at: 'cdn', kind: 'status', status: 403 }] })
  await assert.rejects(collect(hub), (error: Error) => !/Signature|hf_valid/.test(error.message))
})

test('download() ends with an AbortError in the middle of a file', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } }, faults: [{ at: 'cdn', kind: 'drip', bytesPerSecond: 1000 }] })
  const abort = new AbortController()
  const call = collect(hub, large, quick, abort.signal)
  const watch = setInterval(() => server.requests.some((request) => request.server === 'cdn') && abort.abort(), 5)
  t.after(() => clearInterval(watch))
  await assert.rejects(call, { name: 'AbortError' })
})
