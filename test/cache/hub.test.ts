import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listRepo } from '../../src/cache/hub.ts'
import { readFile } from '../../src/cache/read-file.ts'
import { userAgent } from '../../src/cache/user-agent.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { gitOid } from '../hub/repository.ts'
import { files, quick, serve } from './setup.ts'

const list = (hub: { endpoint: string; token?: string }, repo = 'org/m', revision = 'main', signal?: AbortSignal) =>
  listRepo(hub, repo, revision, signal, quick)

test('listRepo() resolves a branch and lists all pages with checksums', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } }, pageSize: 3 })
  const listing = await list(hub)
  assert.equal(listing.commit, server.commit('org/m'))
  assert.equal(listing.ref, 'main')
  assert.deepEqual(listing.files.map(({ path }) => path).sort(), Object.keys(files).sort())
  assert.equal(listing.files.find(({ path }) => path === 'config.json')?.etag, gitOid(files['config.json'] ?? ''))
  assert.equal(server.requests.filter(({ url }) => url.includes('/tree/')).length, 4)
})

test('listRepo() of a commit names no ref, and of a tag or pull request names that', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files, refs: ['v1.0', 'refs/pr/1'] } } })
  assert.equal((await list(hub, 'org/m', server.commit('org/m'))).ref, undefined)
  assert.equal((await list(hub, 'org/m', 'v1.0')).ref, 'v1.0')
  assert.equal((await list(hub, 'org/m', 'refs/pr/1')).ref, 'refs/pr/1')
})

test('listRepo() stays on the mirror when the next page is named on the real Hub', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } }, pageSize: 4, linkOrigin: 'https://huggingface.co' })
  assert.equal((await list(hub)).files.length, Object.keys(files).length)
})

test('listRepo() follows a renamed repository with its token', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files, private: true } }, renamed: { 'old/m': 'org/m' } })
  assert.equal((await list(hub, 'old/m')).commit, server.commit('org/m'))
})

test('every request says who we are and asks for plain bytes', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } } })
  await readFile(hub, await list(hub), 'config.json', undefined, quick)
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
  assert.equal(userAgent, `aim-engine/${version}`)
  assert.deepEqual(
    [...new Set(server.requests.map(({ userAgent: agent, acceptEncoding }) => `${agent} ${acceptEncoding}`))],
    [`${userAgent} identity`],
  )
})

for (const smallFiles of ['direct', 'redirect'] as const) {
  test(`readFile() verifies a small file that the hub serves by way of ${smallFiles}`, async (t) => {
    const { server, hub } = await serve(t, { repos: { 'org/m': { files, private: true } }, smallFiles })
    const listing = await list(hub)
    assert.equal((await readFile(hub, listing, 'config.json', undefined, quick)).toString(), files['config.json'])
    server.faults.push({ at: 'resolve', path: smallFiles === 'direct' ? /config/ : /resolve-cache/, kind: 'wrong-bytes' })
    await assert.rejects(readFile(hub, listing, 'config.json', undefined, quick), { name: 'Failure', exitCode: exitCodes.temporary })
    await assert.rejects(readFile(hub, listing, 'nothing.json', undefined, quick), { name: 'Failure', exitCode: exitCodes.config })
  })
}

const refusals = [
  {
    name: 'a missing repository',
    repo: 'org/none',
    token: 'hf_valid',
    exitCode: exitCodes.config,
    says: /does not exist, or it is private/,
    fix: /HF_TOKEN/,
  },
  {
    name: 'a private repository without a token',
    repo: 'org/private',
    exitCode: exitCodes.config,
    says: /no token was given/,
    fix: /HF_TOKEN/,
  },
  {
    name: 'a bad token',
    repo: 'org/m',
    token: 'hf_bad',
    exitCode: exitCodes.permission,
    says: /does not know the token/,
    fix: /settings\/tokens/,
  },
  { name: 'a missing revision', repo: 'org/m', revision: 'v9', exitCode: exitCodes.config, says: /no revision 'v9'/, fix: /tree\/main/ },
  { name: 'a disabled repository', repo: 'org/disabled', exitCode: exitCodes.permission, says: /disabled/, fix: /another model/ },
] as const

for (const { name, repo, exitCode, says, fix, ...asked } of refusals) {
  test(`listRepo() reports ${name} at once, with exit code ${exitCode}`, async (t) => {
    const repos = { 'org/m': { files }, 'org/private': { files, private: true }, 'org/disabled': { files, disabled: true } }
    const { server } = await serve(t, { repos })
    const hub = { endpoint: server.url, ...('token' in asked && { token: asked.token }) }
    await assert.rejects(list(hub, repo, 'revision' in asked ? asked.revision : 'main'), { name: 'Failure', exitCode, message: says, fix })
    assert.equal(server.requests.length, 1)
  })
}

test('readFile() of a gated repository says where to accept the terms, with exit code 77', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files, gated: true } } })
  const listing = await list(hub)
  for (const caller of [hub, { endpoint: server.url }]) {
    const failure = {
      name: 'Failure',
      exitCode: exitCodes.permission,
      message: /gated/,
      fix: new RegExp(`accept the terms on ${server.url}/org/m`),
    }
    await assert.rejects(readFile(caller, listing, 'config.json', undefined, quick), failure)
  }
})

test('listRepo() waits as long as a rate limit says, a second more, and gives up at once when that is too long', async (t) => {
  const { server, hub } = await serve(t, {
    repos: { 'org/m': { files } },
    faults: [{ at: 'api', kind: 'rate-limit', seconds: 0, times: 1 }],
  })
  const ask = (budgetMs: number) => listRepo(hub, 'org/m', 'main', undefined, { ...quick, budgetMs })
  const tooLong = { name: 'Failure', exitCode: exitCodes.temporary, message: /rate limit.*gave up after 1 try/ }
  await assert.rejects(ask(999), tooLong)
  server.faults.push({ at: 'api', kind: 'rate-limit', seconds: 0, times: 1 })
  assert.equal((await ask(1000)).files.length, Object.keys(files).length)
  server.faults.push({ at: 'api', kind: 'rate-limit', seconds: 3600 })
  await assert.rejects(list(hub), tooLong)
})

test('listRepo() survives a burst of server errors, and ends with 75 when they stay', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } } })
  server.faults.push({ at: 'api', kind: 'status', status: 503, times: 2 }, { at: 'api', kind: 'status', status: 500, times: 1 })
  assert.equal((await list(hub)).commit, server.commit('org/m'))
  server.faults.push({ at: 'api', kind: 'status', status: 502 })
  await assert.rejects(list(hub), { name: 'Failure', exitCode: exitCodes.temporary, message: /not available now.*gave up after 4 tries/ })
})

test('listRepo() ends with 75 when nothing listens, and when nothing is ever answered', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } }, faults: [{ at: 'api', kind: 'silence' }] })
  const impatient = { ...quick, attempts: 2, idleMs: 50 }
  const silence = { name: 'Failure', exitCode: exitCodes.temporary, message: /then said nothing.*gave up after 2 tries/ }
  await assert.rejects(listRepo(hub, 'org/m', 'main', undefined, impatient), silence)
  await server.close()
  await assert.rejects(list(hub), { name: 'Failure', exitCode: exitCodes.temporary, message: /nothing listens there/ })
})

const listings = [
  { name: 'a name that climbs out', alter: { path: '../../../.ssh/authorized_keys' }, says: /leaves the snapshot/ },
  { name: 'an absolute name', alter: { path: '/etc/cron.d/x' }, says: /leaves the snapshot/ },
  { name: 'a name with a drive letter', alter: { path: 'C:\\x' }, says: /leaves the snapshot/ },
  { name: 'a checksum that is a path', alter: { oid: '../../x', lfs: undefined }, says: /no usable checksum/ },
]

for (const { name, alter, says } of listings) {
  test(`listRepo() refuses a listing with ${name}`, async (t) => {
    const { hub } = await serve(t, {
      repos: { 'org/m': { files, alterTree: (entries) => entries.map((entry) => ({ ...entry, ...alter })) } },
    })
    await assert.rejects(list(hub), { name: 'Failure', exitCode: exitCodes.config, message: says })
  })
}

test('listRepo() says so when HF_ENDPOINT is not a Hub', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } } })
  for (const body of ['<html>Please log in</html>', '{"sha":"main"}', '{}']) {
    server.faults.push({ at: 'api', kind: 'status', status: 200, body, times: 1 })
    await assert.rejects(list(hub), { name: 'Failure', exitCode: exitCodes.config, fix: /HF_ENDPOINT/ }, body)
  }
})

test('listRepo() refuses another commit than the one asked for', async (t) => {
  const { hub } = await serve(t, { repos: { 'org/m': { files } } })
  const other = JSON.stringify({ sha: 'f'.repeat(40) })
  const { server, hub: liar } = await serve(t, { repos: {}, faults: [{ at: 'api', kind: 'status', status: 200, body: other }] })
  await assert.rejects(list(liar, 'org/m', 'e'.repeat(40)), { name: 'Failure', exitCode: exitCodes.config, message: /it speaks of f+/ })
  assert.equal(server.requests.length, 1)
  await assert.rejects(list(hub, 'org/m', 'e'.repeat(40)), { name: 'Failure', exitCode: exitCodes.config, message: /no revision/ })
})

test('listRepo() ends a loop of redirects', async (t) => {
  const { hub } = await serve(t, { repos: {}, renamed: { 'a/b': 'a/b' } })
  await assert.rejects(list(hub, 'a/b'), { name: 'Failure', exitCode: exitCodes.config, message: /redirects in a loop/ })
})

test('a token with a line break is a failure of ours to fix, and is not shown', async (t) => {
  const { server } = await serve(t, { repos: {} })
  const failure = (error: Error): boolean =>
    error.name === 'Failure' && /cannot be made/.test(error.message) && !/hf_secret/.test(error.message)
  await assert.rejects(list({ endpoint: server.url, token: 'hf_secret\nx' }), failure)
})

test('an abort ends a call at once with an AbortError, also one that waits', async (t) => {
  const { server, hub } = await serve(t, { repos: { 'org/m': { files } }, faults: [{ at: 'api', kind: 'silence', times: 1 }] })
  const abort = new AbortController()
  const call = list(hub, 'org/m', 'main', abort.signal)
  abort.abort()
  await assert.rejects(call, { name: 'AbortError' })
  server.faults.push({ at: 'api', kind: 'rate-limit', seconds: 300 })
  const later = new AbortController()
  const waiting = list(hub, 'org/m', 'main', later.signal)
  setImmediate(() => later.abort())
  await assert.rejects(waiting, { name: 'AbortError' })
})
