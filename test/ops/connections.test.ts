import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { Sources } from '../../src/ops/answer.ts'
import { type Listener, startListener } from '../../src/ops/listener.ts'
import { until } from '../stage/until.ts'

const nothing = (): never => {
  throw new Error('nobody asks')
}
const sources: Sources = {
  health: () => ({ startup: 200, live: 200, ready: 200 }),
  probe: () => ({ state: 'ready' }) as ReturnType<Sources['probe']>,
  status: nothing,
  metrics: nothing,
}

const open = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}
/** The first line of the answer to a probe; undefined when the connection is closed without one. */
const probe = (socket: Socket): Promise<string | undefined> =>
  new Promise((resolve) => {
    if (socket.closed) return resolve(undefined)
    socket.once('close', () => resolve(undefined)).once('data', (answer) => resolve(String(answer).split('\r\n')[0]))
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  })
const ok = 'HTTP/1.1 200 OK'

describe('startListener() holds 512 connections and no more', () => {
  let listener: Listener
  let held: Socket[] = []
  beforeEach(async () => {
    listener = await startListener('127.0.0.1', 0, sources)
    held = await Promise.all(Array.from({ length: 512 }, () => open(listener.port)))
  })
  afterEach(() => {
    for (const socket of held) socket.destroy()
    listener.close()
  })
  for (const more of [1, 40])
    test(`${more} more are closed unanswered, and those that were there are answered`, async () => {
      const late = await Promise.all(Array.from({ length: more }, () => open(listener.port)))
      assert.deepEqual(await Promise.all(late.map(probe)), Array.from({ length: more }))
      assert.deepEqual(
        await Promise.all(held.map(probe)),
        Array.from({ length: 512 }, () => ok),
      )
    })
  test('one that leaves makes room for another', async () => {
    held.pop()?.destroy()
    const answer = await until('an answer', async () => {
      const socket = await open(listener.port)
      held.push(socket)
      return probe(socket)
    })
    assert.equal(answer, ok)
  })
})

describe('startListener() closes a connection that stays silent', { concurrency: true }, () => {
  let listener: Listener
  before(async () => {
    listener = await startListener('127.0.0.1', 0, sources, 200)
  })
  after(() => listener.close())
  const rows: readonly [claim: string, sent: string][] = [
    ['from the beginning', ''],
    ['in the middle of a request', 'GET /livez HTTP/1.1\r\nHo'],
    ['after an answer', 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'],
  ]
  for (const [claim, sent] of rows)
    test(claim, async (t) => {
      const socket = await open(listener.port)
      t.after(() => socket.destroy())
      socket.write(sent)
      socket.resume()
      await until('it is closed', () => socket.destroyed || undefined)
    })
})
