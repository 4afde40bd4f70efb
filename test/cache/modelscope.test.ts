import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { locate } from '../../src/cache/locate.ts'
import { pull } from '../../src/cache/pull.ts'
import { readFile as readSmall } from '../../src/cache/read-file.ts'
import { sourceOf } from '../../src/cache/source.ts'
import type { Hub, Listing } from '../../src/cache/types.ts'
import { verify } from '../../src/cache/verify.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { type ModelScopeOptions, startModelScope, type TestModelScope } from '../modelscope/server.ts'
import { files, quick, scratch } from './setup.ts'

const repo = 'modelscope://org/m'

const serve = async (t: TestContext, options: Partial<ModelScopeOptions> = {}): Promise<{ server: TestModelScope; hub: Hub }> => {
  const server = await startModelScope({ models: { 'org/m': files }, ...options })
  t.after(() => server.close())
  return { server, hub: { kind: 'modelscope', endpoint: server.url } }
}

const list = async (hub: Hub, revision = 'main', name = repo): Promise<Listing> =>
  (await sourceOf(hub)).list(name, revision, undefined, quick)

test('a model of ModelScope is pulled into the same layout, verified, and found again without asking', async (t) => {
  const { server, hub } = await serve(t)
  const cacheDir = await scratch(t)
  const listing = await list(hub)
  assert.equal((await readSmall(hub, listing, 'config.json', undefined, quick)).toString(), files['config.json'])
  const { path } = await pull({ hub, listing, patterns: [], cacheDir, transfer: quick })
  for (const [name, content] of Object.entries(files)) assert.ok((await readFile(join(path, name))).equals(Buffer.from(content)), name)
  assert.equal(locate(cacheDir, repo, 'main')?.path, path)
  assert.equal(locate(cacheDir, 'org/m', 'main'), undefined)
  const [verdict] = await verify(cacheDir, repo, true, () => {})
  assert.deepEqual([verdict?.missing, verdict?.wrong, verdict?.unknown], [[], [], []])
  assert.ok(server.requests.some(({ at, url }) => at === 'api' && url.includes('Revision=master') && url.includes('Recursive=true')))
})

test('the token goes to ModelScope and not to the storage host that it sends to', async (t) => {
  const { server } = await serve(t, { token: 'ms-secret' })
  const hub: Hub = { kind: 'modelscope', endpoint: server.url, token: 'ms-secret' }
  await pull({ hub, listing: await list(hub), patterns: [], cacheDir: await scratch(t), transfer: quick })
  for (const { at, token } of server.requests) assert.equal(token, at === 'api' ? 'ms-secret' : undefined)
  assert.ok(server.requests.some(({ at }) => at === 'storage'))
})

test('a commit that was pulled can be named as the revision, as long as the branch has it', async (t) => {
  const { hub } = await serve(t)
  const { commit } = await list(hub)
  assert.equal((await list(hub, commit)).commit, commit)
  await assert.rejects(list(hub, 'a'.repeat(40)), { exitCode: exitCodes.config, message: /no revision 'a{40}'/ })
  assert.equal((await list(hub, 'v1.0')).ref, 'v1.0')
})

test('what ModelScope refuses is told in a sentence with the fix and the code', async (t) => {
  const { server, hub } = await serve(t, { token: 'right' })
  const rows = [
    { hub, name: repo, exitCode: exitCodes.permission, says: /no token was given .*"no permission"/ },
    { hub: { ...hub, token: 'wrong' }, name: repo, exitCode: exitCodes.permission, says: /does not permit it/ },
    {
      hub: { ...hub, token: 'right' },
      name: 'modelscope://org/none',
      exitCode: exitCodes.config,
      says: /does not exist there.*"record not found"/,
    },
    { hub, name: 'modelscope://m', exitCode: exitCodes.config, says: /no modelscope:\/\/org\/name/ },
    {
      hub: { ...hub, endpoint: 'http://127.0.0.1:1' },
      name: repo,
      exitCode: exitCodes.temporary,
      says: /nothing listens there.*gave up after 4 tries/,
    },
  ]
  for (const { hub: asked, name, exitCode, says } of rows) {
    await assert.rejects(list(asked, 'main', name), (error: Error & { fix?: string; exitCode: number }) => {
      assert.match(error.message, says)
      assert.equal(error.exitCode, exitCode)
      assert.doesNotMatch(`${error.message}${error.fix}`, /HF_|huggingface/i)
      return true
    })
  }
  assert.ok(server.requests.every(({ url }) => !url.includes('right')))
})

test('an answer that is no listing, leaves the snapshot or stops in the middle is refused', async (t) => {
  const bad: readonly [says: RegExp, entries: ModelScopeOptions['entries']][] = [
    [/Data\.Files/, () => 'none'],
    [/leaves the snapshot/, () => [{ Path: '../x', Size: 1, Type: 'blob' }]],
    [/lacks Path or Size/, () => [{ Path: 'x', Size: -1, Type: 'blob' }]],
    [/lists no more than 3000/, () => Array.from({ length: 3000 }, (_, n) => ({ Path: `f${n}`, Size: 1, Type: 'blob' }))],
  ]
  for (const [says, entries] of bad) {
    const { hub } = await serve(t, entries === undefined ? {} : { entries })
    await assert.rejects(list(hub), { exitCode: exitCodes.config, message: says })
  }
})

test('a file without a checksum is pulled by its size, and a deep verify says that it cannot say more', async (t) => {
  const { hub } = await serve(t, {
    entries: (all) => all.map((entry) => ({ ...entry, Sha256: entry.Path === 'README.md' ? '' : entry.Sha256 })),
  })
  const cacheDir = await scratch(t)
  await pull({ hub, listing: await list(hub), patterns: [], cacheDir, transfer: quick })
  const [verdict] = await verify(cacheDir, repo, true, () => {})
  assert.equal(verdict?.unknown.length, 1)
  assert.deepEqual(verdict.wrong, [])
})

test('ModelScope that is away for a moment is asked again', async (t) => {
  const { hub } = await serve(t, { statuses: [503, 429, 200] })
  assert.equal((await list(hub)).files.length, Object.keys(files).length)
})
