import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { execa } from 'execa'
import { serve } from './setup.ts'

const files = { 'config.json': '{}' }

/** A forward proxy for plain HTTP that notes what it passes on. */
const startProxy = async (t: TestContext) => {
  const passed: string[] = []
  const proxy = createServer((incoming, outgoing) => {
    passed.push(incoming.url ?? '')
    const onward = request(incoming.url ?? '', { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => proxy.close().closeAllConnections())
  return { passed, url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
}

// A process of its own: undici reads the variables once.
const listIn = async (endpoint: string, env: Record<string, string>): Promise<string> => {
  const script = `
    import { listRepo } from ${JSON.stringify(`${import.meta.dirname}/../../src/cache/hub.ts`)}
    await listRepo({ endpoint: process.argv[1] }, 'org/m', 'main').then(({ files }) => console.log(files.length), (error) => console.log(error.exitCode, error.message))`
  const { stdout } = await execa(process.execPath, ['--input-type=module-typescript', '-e', script, endpoint], { env })
  return stdout
}

test('the hub is asked through HTTP_PROXY, and past it where NO_PROXY says so', async (t) => {
  const { server } = await serve(t, { repos: { 'org/m': { files } } })
  const proxy = await startProxy(t)
  assert.equal(await listIn(server.url, { HTTP_PROXY: proxy.url }), '1')
  assert.deepEqual(
    proxy.passed.map((url) => new URL(url).origin),
    [server.url, server.url],
  )
  assert.equal(await listIn(server.url, { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' }), '1')
  assert.equal(proxy.passed.length, 2)
})

test('a proxy that is no address ends with 78', async () => {
  assert.match(await listIn('http://127.0.0.1:1', { HTTP_PROXY: 'proxy without scheme' }), /^78 cannot use the proxy/)
})
