import assert from 'node:assert/strict'
import { chmod } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import type { Status } from '../../src/ops/status.ts'
import { ensureRealEngine, type RealEngine } from '../engines/install.ts'
import { get } from '../stage/aim.ts'
import { chat, stream } from '../stage/chat.ts'
import { buildImage, type Container, docker, startContainer } from '../stage/docker.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { until } from '../stage/until.ts'

/** A start of the real vLLM on two busy cores, and the finding of a stall; milliseconds. */
const startMs = 400_000

/**
 * By the core's own gauge, or by the API server's count and a canary where the signal came between two streams: that core saw no request,
 * or could not tell any more that it did.
 */
const noStep = /requests? in flight and takes no step|requests are in flight and no step is taken/

/** How the real vLLM 0.32.0 hangs (its /health says 200 all the while), in the order in which one container goes through it. */
const hangs: readonly [claim: string, process: string, signal: 'STOP' | 'SEGV' | 'KILL', load: boolean, sentence: RegExp][] = [
  ['a core stopped while idle', 'VLLM::EngineCor', 'STOP', false, /the engine was idle, and gives no answer to a smallest request/],
  ['a core stopped under load', 'VLLM::EngineCor', 'STOP', true, noStep],
  ['a worker stopped while idle', 'VLLM::W', 'STOP', false, new RegExp(`${noStep.source}|gives no answer to a smallest request`)],
  ['a worker stopped under load', 'VLLM::W', 'STOP', true, noStep],
  // It stays there for ever when its crash handler hangs, or it dies and takes the engine with it: both were seen.
  ['a worker that got SIGSEGV under load', 'VLLM::W', 'SEGV', true, new RegExp(`${noStep.source}|^$`)],
  // No hang: it is the engine that ends, with 0.
  ['a worker that is killed', 'VLLM::W', 'KILL', false, /^$/],
]

describe('hangs of the real vLLM', () => {
  let stage: Stage
  let engine: RealEngine
  let aim: Container
  before(async () => {
    await buildImage()
    engine = await ensureRealEngine()
    stage = await setStage({ model: engine.model })
    await chmod(stage.directory, 0o755)
    aim = await startContainer({
      words: ['--shm-size', '1g', '-v', `${engine.venv}:/opt/vllm:ro`, '--user', '65532:65532', '--read-only', '--tmpfs', '/tmp:exec'],
      environment: {
        HF_ENDPOINT: stage.hub.url,
        AIM_MODEL_ID: stage.repo,
        AIM_CACHE_PATH: '/tmp/cache',
        AIM_GPU_COUNT: '0',
        AIM_ENGINE_COMMAND: '/usr/bin/python3 /opt/vllm/bin/vllm',
        PYTHONPATH: '/opt/vllm/lib/python3.11/site-packages',
        AIM_MAX_MODEL_LEN: '1024',
        AIM_ENGINE_ARGS: '{"enforce-eager": true}',
        AIM_RESTART_BACKOFF: '10ms',
        AIM_RESTART_INTENSITY: '20',
        AIM_STALL_TIMEOUT: '20s',
        AIM_CANARY_INTERVAL: '5s',
        VLLM_CPU_KVCACHE_SPACE: '1',
      },
    })
  })
  after(async () => {
    await aim?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })
  const api = (): string => `http://127.0.0.1:${aim.port}`
  const pidOf = async (name: string): Promise<string> =>
    (await aim.exec('ps', '-eo', 'pid=,comm='))
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find(([, comm]) => comm?.startsWith(name))?.[0] ?? ''
  const tokens = async (): Promise<number> =>
    Number(/^vllm:generation_tokens_total\{[^}]*\} (\S+)/m.exec((await get(`${api()}/metrics`)).body)?.[1])
  const restarted = (before: Status): Promise<Status> =>
    until(
      'ready after a restart',
      async () => {
        const now = await aim.status()
        assert.equal((await get(`${aim.ops}/livez`)).status, 200)
        return now.restarts === before.restarts + 1 && now.ready ? now : undefined
      },
      startMs,
    )

  test('clients that leave, and idleness, are no stall: canaries are answered', async () => {
    const first = await aim.until('ready', startMs)
    for (let client = 0; client < 3; client++) {
      const leaving = new AbortController()
      const body = { model: stage.repo, prompt: 'Hello', max_tokens: 900, stream: true, ignore_eos: true }
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${api()}/v1/completions`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
        signal: leaving.signal,
      })
      await response.body?.getReader().read()
      leaving.abort()
    }
    const before = await tokens()
    const began = performance.now()
    await until('two limits of idleness', () => (performance.now() - began > 45_000 ? true : undefined), startMs)
    const now = await aim.status()
    assert.deepEqual([now.state, now.restarts, now.engine.pid, now.stall], ['ready', 0, first.engine.pid, undefined])
    assert.ok((await tokens()) >= before + 2, 'no canary was answered')
  })

  for (const [claim, name, signal, load, sentence] of hangs) {
    test(`${claim} is found, explained, and it is ready again`, async (t) => {
      const before = await aim.until('ready', startMs)
      // One stream after the other: a busy machine takes longer to send a signal than the engine to finish one.
      let working = load
      const work = async (onFirst: () => void): Promise<void> => {
        while (working) await stream(api(), stage.repo, 900, onFirst).catch(() => undefined)
      }
      if (load) await new Promise<void>((resolve) => void work(resolve))
      await aim.exec('kill', `-${signal}`, await pidOf(name))
      const began = performance.now()
      // What the engine said while it stood still: once readiness is gone it is examined, and killed at any moment.
      let health: number | undefined
      await until(
        'readiness to go',
        async () => {
          const said = await get(`${api()}/health`).catch(() => undefined)
          if ((await get(`${aim.ops}/readyz`)).status === 503) return true
          health = said?.status
          return undefined
        },
        startMs,
      )
      working = false
      if (signal === 'STOP') assert.equal(health, 200)
      else t.diagnostic(`health: ${health}`)
      t.diagnostic(`found after ${((performance.now() - began) / 1000).toFixed(1)} s`)
      const again = await restarted(before)
      t.diagnostic(`ready again after ${((performance.now() - began) / 1000).toFixed(1)} s`)
      // A moment of the steady clock, told anew at each look: it may differ by a millisecond.
      const [then, now] = [before, again].map(({ stall }) => Date.parse(stall?.at ?? new Date(0).toISOString()))
      const stalled = Math.abs((now ?? 0) - (then ?? 0)) > 1000
      assert.match(stalled ? (again.stall?.sentence ?? '') : '', sentence)
      if (stalled) assert.match(again.stall?.evidence.join('\n') ?? '', /VLLM::\S+ \(pid \d+\): state \w,[\s\S]*vllm:num_requests_running/)
      assert.deepEqual(await chat(api(), stage.repo), { status: 200, tokens: 5 })
    })
  }

  test('it stops as it should in the end, and nothing is left', async () => {
    await docker('kill', '-s', 'QUIT', aim.id)
    assert.equal(await aim.wait(), 0)
  })
})
