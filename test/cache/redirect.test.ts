import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHub, keepsToken, redirectOf } from '../../src/cache/redirect.ts'

const endpoint = 'https://hub.example'

test('redirectOf() resolves relative locations and follows nothing but http', () => {
  const from = new URL('https://hub.example/org/m/resolve/x')
  const cases = [
    { status: 302, location: 'https://cdn.example/y?s=1', to: 'https://cdn.example/y?s=1' },
    { status: 307, location: '/api/resolve-cache/z', to: 'https://hub.example/api/resolve-cache/z' },
    { status: 308, location: '//other.example/q', to: 'https://other.example/q' },
    { status: 200, location: '/z', to: undefined },
    { status: 304, location: '/z', to: undefined },
    { status: 302, location: undefined, to: undefined },
    { status: 302, location: 'file:///etc/passwd', to: undefined },
    { status: 302, location: 'http://[', to: undefined },
  ]
  for (const { status, location, to } of cases) assert.equal(redirectOf(status, location, from)?.href, to, `${location}`)
})

test('keepsToken() gives the token to the hub and to nobody else', () => {
  const cases = [
    { from: 'https://hub.example/a', to: 'https://hub.example/b', keeps: true },
    { from: 'https://hub.example/a', to: 'https://hub.example:8443/b', keeps: false },
    { from: 'https://hub.example/a', to: 'http://hub.example/b', keeps: false },
    { from: 'http://hub.example/a', to: 'https://hub.example/b', keeps: true },
    { from: 'https://hub.example/a', to: 'https://cdn.example/b', keeps: false },
    { from: 'https://hub.example/a', to: 'https://huggingface.co/b', keeps: true },
    { from: 'https://hub.example/a', to: 'https://hf.co/b', keeps: true },
    { from: 'https://hub.example/a', to: 'http://huggingface.co/b', keeps: false },
    { from: 'https://hub.example/a', to: 'https://huggingface.co.evil.example/b', keeps: false },
    { from: 'https://hub.example/a', to: 'https://cas-bridge.xethub.hf.co/b', keeps: false },
    { from: 'https://huggingface.co/a', to: 'https://hub.example/b', keeps: true },
  ]
  for (const { from, to, keeps } of cases) assert.equal(keepsToken(new URL(from), new URL(to), { endpoint }), keeps, `${from} -> ${to}`)
})

test('isHub() tells the hub from a storage host by host and port', () => {
  assert.equal(isHub(new URL('http://127.0.0.1:81/x'), { endpoint: 'http://127.0.0.1:81' }), true)
  assert.equal(isHub(new URL('http://127.0.0.1:82/x'), { endpoint: 'http://127.0.0.1:81' }), false)
})
