import assert from 'node:assert/strict'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { vllm } from '../../src/engine/vllm.ts'
import { watch } from '../../src/serve/watch.ts'
import { lookAtHealth } from '../../src/serve/work.ts'
import type { Policy } from '../../src/supervisor/policy.ts'
import type { Seen } from '../../src/supervisor/supervise.ts'
import { freePorts } from '../stage/ports.ts'
import { until } from '../stage/until.ts'

/** A server that answers as an engine's would; each path as the test has it now. */
type Fake = { readonly answers: Record<string, (response: ServerResponse) => void>; readonly port: number; readonly server: Server }

const json = (body: object) => (response: ServerResponse) => void response.end(JSON.stringify(body))
const idle = 'vllm:num_requests_running{engine="0"} 0\nvllm:num_requests_waiting{engine="0"} 0\n'

const policy = (over: Partial<Policy>): Policy => ({
  startupStallMs: 60_000,
  stallMs: 60_000,
  onStall: 'restart',
  canaryMs: 0,
  examineMs: 1000,
  drainDelayMs: 0,
  drainMs: 1000,
  stopMs: 1000,
  killMs: 1000,
  reclaimMs: 1000,
  restart: { when: 'always', intensity: 1, periodMs: 60_000, baseMs: 1, capMs: 10, healthyMs: 600_000 },
  roomMs: 0,
  onHeld: 'retry',
  ...over,
})

describe('watch()', () => {
  let fake: Fake | undefined
  let over = new AbortController()
  afterEach(async () => {
    over.abort()
    fake?.server.closeAllConnections()
    await new Promise((resolve) => (fake === undefined ? resolve(undefined) : fake.server.close(resolve)))
    fake = undefined
  })

  const begin = async (limits: Partial<Policy>): Promise<{ readonly fake: Fake; readonly last: (wanted: string) => Promise<unknown> }> => {
    const answers: Fake['answers'] = {
      '/health': (response) => void response.end(),
      '/metrics': (response) => void response.end(idle),
      '/load': json({ server_load: 0 }),
      '/is_sleeping': json({ is_sleeping: false }),
      '/is_paused': json({ is_paused: false }),
    }
    const server = createServer((request, response) => (answers[request.url ?? ''] ?? json({}))(response)).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    fake = { answers, port, server }
    over = new AbortController()
    const seen: Seen[] = []
    const endpoints = vllm.endpoints(['--port', String(port)], { VLLM_SERVER_DEV_MODE: '1' })
    const target = { adapter: vllm, endpoints, task: 'generate', servedName: 'tiny', policy: policy(limits), note: () => undefined }
    watch({ ...target, signs: () => 0, onStall: () => undefined }, over.signal, (report) => seen.push(report)).catch((error: unknown) =>
      assert.ok(over.signal.aborted, String(error)),
    )
    const last = (wanted: string): Promise<unknown> =>
      until(wanted, () => {
        const report = seen.at(-1)
        return report !== undefined && (report.kind === 'probed' ? `${report.passed}` : report.kind) === wanted ? true : undefined
      })
    return { fake, last }
  }

  for (const path of ['/is_sleeping', '/is_paused'] as const)
    test(`an engine whose ${path} says yes is suspended until it says no`, async () => {
      const { fake, last } = await begin({ stallMs: 2000 })
      await last('true')
      fake.answers[path] = json({ [path.slice(1)]: true })
      await last('suspended')
      fake.answers[path] = json({ [path.slice(1)]: false })
      await last('true')
    })

  test('one that sleeps and whose server is not well is not well', async () => {
    const { fake, last } = await begin({ stallMs: 2000 })
    fake.answers['/is_sleeping'] = json({ is_sleeping: true })
    await last('suspended')
    fake.answers['/health'] = (response) => void response.writeHead(503).end()
    await last('false')
  })

  for (const [claim, answer] of [
    ['refuses every smallest request', (response: ServerResponse) => void response.writeHead(500).end()],
    ['answers every smallest request without a token', json({ choices: [] })],
  ] as const)
    test(`a server that is well and ${claim} is not well after three that come one after the other`, async () => {
      const limits = { stallMs: 1000, canaryMs: 4000 }
      const { fake, last } = await begin(limits)
      let looks = 0
      let waiting: ServerResponse | undefined
      const asked: number[] = []
      fake.answers['/metrics'] = (response) => {
        looks++
        response.end(idle)
        // One look has seen it wait: it is its end that begins a new quiet time.
        if (waiting === undefined || looks < (asked.at(-1) ?? 0) + 2) return
        answer(waiting)
        waiting = undefined
      }
      fake.answers['/v1/completions'] = (response) => {
        asked.push(looks)
        waiting = response
      }
      await last('true')
      await last('false')
      // One look counts a quarter of `stallMs` at most, so that a quiet time takes so many looks on any machine.
      const quietLooks = limits.canaryMs / (limits.stallMs / 4)
      const [first = 0, second = 0, third = Number.POSITIVE_INFINITY] = asked
      assert.ok(
        first >= quietLooks && third - first < quietLooks,
        `asked at looks ${[first, second, third]}, a quiet time is ${quietLooks}`,
      )
      fake.answers['/v1/completions'] = json({ choices: [{ text: 'x' }], usage: { completion_tokens: 1 } })
      await last('true')
    })

  test('an idle core that gives no answer is found among others that work, by a request of its own', async () => {
    const { fake, last } = await begin({ stallMs: 2000, canaryMs: 500 })
    let tokens = 0
    const asked: (string | undefined)[] = []
    fake.answers['/metrics'] = (response) => {
      tokens++
      response.end(`${idle}vllm:num_requests_running{engine="1"} 3\nvllm:generation_tokens_total{engine="1"} ${tokens}\n`)
    }
    fake.answers['/v1/completions'] = ({ req }) => void asked.push(String(req.headers['x-data-parallel-rank']))
    await last('stalled')
    assert.deepEqual(asked, ['0'])
  })

  const looked: readonly [claim: string, prepare: (fake: Fake) => Promise<number>, healthy: boolean | undefined][] = [
    ['that answers is a yes', async ({ port }) => port, true],
    [
      'that was closed is a no at the first look',
      async ({ server, port }) => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
        return port
      },
      false,
    ],
    ['that nobody ever started is a no at the first look', async () => (await freePorts(1))[0] ?? 0, false],
    [
      'that hangs up without a word is no answer',
      async ({ answers, port }) => {
        answers['/health'] = (response) => void response.destroy()
        return port
      },
      undefined,
    ],
  ]
  for (const [claim, prepare, healthy] of looked)
    test(`a server ${claim}`, async () => {
      const { fake } = await begin({})
      const { health } = vllm.endpoints(['--port', String(await prepare(fake))], {})
      assert.equal(await lookAtHealth({ ...vllm.endpoints([], {}), health }, AbortSignal.timeout(60_000)), healthy)
    })
})
