import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fetchRange, hangUp, readHead, Unplain } from '../../src/cache/fast-lane.ts'

const range = { start: 10, end: 20, size: 100 }
const plain = 'HTTP/1.1 206 Partial Content\nContent-Length: 10\nContent-Range: bytes 10-19/100\n'

const heads: readonly { name: string; head: string; gives: { keep: boolean } | undefined }[] = [
  { name: 'the plain answer', head: plain, gives: { keep: true } },
  { name: 'one that ends the connection', head: `${plain}Connection: close\n`, gives: { keep: false } },
  { name: 'names in lower case', head: plain.toLowerCase().replace('http', 'HTTP'), gives: { keep: true } },
  { name: 'a whole file', head: 'HTTP/1.1 200 OK\nContent-Length: 100\n', gives: undefined },
  { name: 'a redirect', head: 'HTTP/1.1 302 Found\nLocation: /x\n', gives: undefined },
  { name: 'an expired address', head: 'HTTP/1.1 403 Forbidden\nContent-Length: 0\n', gives: undefined },
  { name: 'another range', head: plain.replace('10-19', '0-9'), gives: undefined },
  { name: 'another size', head: plain.replace('/100', '/99'), gives: undefined },
  { name: 'a shorter range', head: plain.replace('Length: 10', 'Length: 9'), gives: undefined },
  { name: 'chunks', head: `${plain}Transfer-Encoding: chunked\n`, gives: undefined },
  { name: 'packed bytes', head: `${plain}Content-Encoding: gzip\n`, gives: undefined },
]

for (const { name, head, gives } of heads) {
  test(`readHead() ${gives === undefined ? 'leaves' : 'takes'} ${name}`, () => assert.deepEqual(readHead(head, range), gives))
}

/** A server that answers each request with what `answer` writes. */
const serve = async (t: TestContext, answer: (socket: Socket, request: string, count: number) => void) => {
  let count = 0
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.on('error', () => {})
    socket.on('data', (data) => answer(socket, data.toString(), ++count))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    hangUp()
    server.close()
  })
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x?y=1`), connections: () => connections }
}

const fetch = async (url: URL, token?: string): Promise<string> => {
  let text = ''
  const onBytes = (chunk: Buffer): void => {
    text += chunk.toString()
  }
  await fetchRange(
    { url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` }, ...range, idleMs: 200 },
    onBytes,
    new AbortController().signal,
  )
  return text
}

const headText = plain.replaceAll('\n', '\r\n')

test('fetchRange() asks for its range, reads a head and body that come in pieces, and uses the connection again', async (t) => {
  const asked: string[] = []
  const { url, connections } = await serve(t, (socket, request, count) => {
    asked.push(request)
    const answer = `${headText}\r\n${String(count).repeat(10)}`
    socket.setNoDelay(true)
    const pieces = answer.match(/[\s\S]{1,7}/g) ?? []
    const next = (): void => {
      const piece = pieces.shift()
      if (piece !== undefined) socket.write(piece, () => setImmediate(next))
    }
    next()
  })
  assert.equal(await fetch(url, 'hf_t'), '1111111111')
  assert.equal(await fetch(url), '2222222222')
  assert.equal(connections(), 1)
  assert.match(
    asked[0] ?? '',
    /^GET \/x\?y=1 HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n[\s\S]*Range: bytes=10-19\r\nauthorization: Bearer hf_t\r\n\r\n$/,
  )
  assert.doesNotMatch(asked[1] ?? '', /Authorization/)
})

const failures: readonly { name: string; answer: (socket: Socket) => void; error: object }[] = [
  { name: 'an answer that is not plain', answer: (socket) => socket.write('HTTP/1.1 302 Found\r\n\r\n'), error: Unplain },
  { name: 'a head without end', answer: (socket) => socket.write(`HTTP/1.1 206 x\r\nX: ${'x'.repeat(70_000)}`), error: Unplain },
  {
    name: 'a connection that is closed in the middle',
    answer: (socket) => socket.end(`${headText}\r\n12345`),
    error: { code: 'ECONNRESET' },
  },
  {
    name: 'a connection that falls silent',
    answer: (socket) => socket.write(`${headText}\r\n12345`),
    error: { code: 'UND_ERR_BODY_TIMEOUT' },
  },
]

for (const { name, answer, error } of failures) {
  test(`fetchRange() rejects ${name}`, async (t) => {
    const { url } = await serve(t, answer)
    await assert.rejects(fetch(url), error)
  })
}

test('a connection that the server closed while it was idle is left to the other way, since it says nothing about the range', async (t) => {
  const { url } = await serve(t, (socket, _, count) => {
    if (count === 1) socket.write(`${headText}\r\n1111111111`)
    else socket.destroy()
  })
  await fetch(url)
  await assert.rejects(fetch(url), Unplain)
})

test('an error of who takes the bytes ends the call with it', async (t) => {
  const { url } = await serve(t, (socket) => socket.write(`${headText}\r\n1111111111`))
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' })
  const throwing = (): never => {
    throw full
  }
  await assert.rejects(fetchRange({ url, headers: {}, ...range, idleMs: 200 }, throwing, new AbortController().signal), full)
})
