import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Sources } from '../../src/ops/answer.ts'
import { type Listener, startListener } from '../../src/ops/listener.ts'
import type { ProbeStatus, Status } from '../../src/ops/status.ts'
import { Failure } from '../../src/std/failure.ts'

const status: Status = {
  state: 'warming',
  since: '2026-01-01T00:00:00.000Z',
  reason: '',
  next: 'waits',
  ready: false,
  everReady: false,
  engine: { name: 'vllm', pid: 7 },
  gpus: 0,
  restarts: 0,
  phases: [{ name: 'detect', startMs: 1 }],
  version: '0',
}
const probe: ProbeStatus = { state: 'warming', since: status.since, reason: '', next: 'waits', phase: { name: 'detect', startMs: 1 } }
const sources: Sources = {
  health: () => ({ startup: 503, live: 200, ready: 503 }),
  probe: () => probe,
  status: () => status,
  metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'aim_ready 0\n' }),
}

describe('startListener()', () => {
  let listener: Listener & { readonly warm: () => void }
  before(async () => {
    listener = await startListener('127.0.0.1', 0, sources)
  })
  after(() => listener.close())
  const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${listener.port}${path}`, { method })

  for (const [path, code] of [
    ['/startupz', 503],
    ['/livez', 200],
    ['/healthz', 200],
    ['/health/live', 200],
    ['/readyz', 503],
    ['/health/ready', 503],
    ['/readyz?x=1', 503],
    ['/status', 200],
    ['/metrics', 200],
    ['/v1/models', 404],
    ['/', 404],
  ] as const) {
    test(`${path} answers ${code}`, async () => assert.equal((await get(path)).status, code))
  }

  test('a probe says state, since when, why, what happens next and the phase', async () => {
    assert.deepEqual(await (await get('/readyz')).json(), probe)
  })

  test('HEAD has no body, POST is refused', async () => {
    const head = await get('/livez', 'HEAD')
    assert.deepEqual([head.status, await head.text()], [200, ''])
    assert.equal((await get('/livez', 'POST')).status, 405)
  })

  test('a request that came before HTTP was loaded is answered, also when it is sent in pieces', async () => {
    const fresh = await startListener('127.0.0.1', 0, sources)
    const socket = connect(fresh.port, '127.0.0.1')
    socket.write('GET /livez HTTP/1.1\r\nHo')
    socket.write('st: x\r\nConnection: close\r\n\r\n')
    let text = ''
    for await (const piece of socket.setEncoding('utf8')) text += piece
    assert.match(text, /^HTTP\/1\.1 200 OK/)
    fresh.close()
  })

  test('a taken port is a failure of its own kind (75) that names the port and the variable', async () => {
    const error = await startListener('127.0.0.1', listener.port, sources).then(
      () => undefined,
      (caught: unknown) => caught,
    )
    assert.ok(error instanceof Failure)
    assert.equal(error.exitCode, 75)
    assert.match(`${error.message} ${error.fix}`, new RegExp(`${listener.port}.*EADDRINUSE.*AIM_OPS_PORT`, 's'))
  })
})
