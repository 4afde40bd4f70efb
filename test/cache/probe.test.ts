import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { type HubProbe, probeHub } from '../../src/cache/probe.ts'
import { files, serve } from './setup.ts'

const seen = ({ failure, dateMs, silent }: HubProbe) => [failure?.exitCode, failure?.message, typeof dateMs, silent]

test('probeHub() says of a model whether this token gets it, by one small file, with the time of the hub', async (t) => {
  const repos = {
    'org/m': { files },
    'org/gated': { files, gated: true },
    'org/private': { files, private: true },
    'org/bare': { files: { a: 'a' } },
  }
  const { server } = await serve(t, { repos, tokens: ['hf_good'] })
  const signal = AbortSignal.timeout(60_000)
  const ask = (repo: string, token?: string, revision = 'main') =>
    probeHub({ endpoint: server.url, ...(token !== undefined && { token }) }, { repo, revision }, signal)
  const probe = await ask('org/m')
  assert.equal(probe.failure, undefined)
  assert.ok(Math.abs((probe.dateMs ?? 0) - Date.now()) < 3_600_000)
  assert.deepEqual(seen(await ask('org/bare')), [undefined, undefined, 'number', undefined])
  const rows: readonly [HubProbe, number, RegExp][] = [
    [await ask('org/gated'), 77, /gated.*terms/],
    [await ask('org/m', 'hf_bad'), 77, /does not know the token/],
    [await ask('org/private'), 78, /does not exist, or it is private and no token was given/],
    [await ask('org/absent', 'hf_good'), 78, /does not exist, or it is private and the token has no access/],
    [await ask('org/m', undefined, 'nowhere'), 78, /no revision 'nowhere'/],
  ]
  for (const [{ failure }, exitCode, message] of rows) {
    assert.equal(failure?.exitCode, exitCode)
    assert.match(failure?.message ?? '', message)
    assert.doesNotMatch(`${failure?.message}${failure?.fix}`, /hf_(good|bad)/)
  }
})

test('probeHub() without a model takes any answer but a refusal of the token', async (t) => {
  const { server } = await serve(t, { repos: {}, tokens: ['hf_good'] })
  const signal = AbortSignal.timeout(60_000)
  assert.equal((await probeHub({ endpoint: server.url }, undefined, signal)).failure, undefined)
  assert.equal((await probeHub({ endpoint: server.url, token: 'hf_good' }, undefined, signal)).failure, undefined)
})

test('probeHub() says that nobody listens, and that nobody answered in time', async (t) => {
  const mute = createServer().listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const { port } = mute.address() as AddressInfo
  const endpoint = `http://127.0.0.1:${port}`
  assert.deepEqual(await probeHub({ endpoint }, { repo: 'org/m', revision: 'main' }, AbortSignal.timeout(50)), { silent: true })
  mute.close()
  t.after(() => mute.unref())
  const { failure } = await probeHub({ endpoint: 'http://127.0.0.1:9' }, undefined, AbortSignal.timeout(60_000))
  assert.equal(failure?.exitCode, 75)
})
