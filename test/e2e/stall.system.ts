import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Status } from '../../src/ops/status.ts'
import { processTable } from '../../src/supervisor/proc.ts'
import { descendantsOf } from '../../src/supervisor/process-table.ts'
import { type Aim, get } from '../stage/aim.ts'
import { chat, stream } from '../stage/chat.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { type QuickAim, startQuick } from '../stage/quick.ts'
import { until } from '../stage/until.ts'

const limits = { AIM_STALL_TIMEOUT: '2s', AIM_CANARY_INTERVAL: '1s' }

/** The pid of the engine's process whose name begins so. */
const pidOf = ({ engine }: Status, name: string): number =>
  descendantsOf(processTable(), engine.pid ?? 0).find((entry) => entry.name.startsWith(name))?.pid ?? 0

describe('an engine that stands still, on the simulator', () => {
  let stage: Stage
  before(async () => {
    stage = await setStage({ megabytes: 1, shards: 1 })
  })
  after(() => stage[Symbol.asyncDispose]())

  const start = (environment: Record<string, string> = {}): Promise<QuickAim> => startQuick(stage, { ...limits, ...environment })
  const api = (aim: Aim): string => `http://127.0.0.1:${aim.port}`
  /** A stream that will not end by itself, and whose end is not waited for. */
  const work = (aim: Aim): Promise<void> =>
    new Promise((resolve) => void stream(api(aim), stage.repo, 2000, resolve).catch(() => undefined))

  const freezes: readonly [claim: string, process: string, signal: NodeJS.Signals, load: boolean][] = [
    ['a core that freezes under load', 'VLLM::Engine', 'SIGSTOP', true],
    ['a worker that freezes under load', 'VLLM::Worker', 'SIGSTOP', true],
    ['a core that freezes while idle', 'VLLM::Engine', 'SIGSTOP', false],
    ['a worker that freezes while idle', 'VLLM::Worker', 'SIGSTOP', false],
    ['a worker whose crash handler never returns', 'VLLM::Worker', 'SIGSEGV', true],
  ]
  for (const [claim, name, signal, load] of freezes) {
    test(`${claim} is found, explained, and the engine is ready again; live all the time, and not ready meanwhile`, async () => {
      await using aim = await start()
      const first = await aim.until('ready')
      if (load) await work(aim)
      process.kill(pidOf(first, name), signal)
      const seen = new Map<string, Set<string>>()
      const again = await until('a second ready', async () => {
        const now = await aim.status()
        const [live, ready] = await Promise.all(['/livez', '/readyz'].map(aim.probe))
        seen.set(now.state, (seen.get(now.state) ?? new Set()).add(`${live}`))
        if (now.state === 'examining') assert.equal(ready, 503)
        return now.restarts === 1 && now.ready ? now : undefined
      })
      assert.deepEqual([...new Set([...seen.values()].flatMap((codes) => [...codes]))], ['200'])
      assert.notEqual(again.engine.pid, first.engine.pid)
      assert.match(again.stall?.sentence ?? '', load ? /requests? in flight and takes no step, for 2\.0s/ : /was idle, and gives no answer/)
      assert.deepEqual([again.failure?.cause, again.failure?.sentence], ['stalled', again.stall?.sentence])
      const evidence = again.stall?.evidence.join('\n') ?? ''
      if (signal === 'SIGSTOP') assert.match(evidence, new RegExp(`^${name}\\S* \\(pid \\d+\\): state [Tt],`, 'm'))
      assert.match(evidence, /^vllm:num_requests_running\{.*\} [01]/m)
      assert.equal((await chat(api(aim), stage.repo)).status, 200)
      assert.match((await get(`http://127.0.0.1:${aim.opsPort}/metrics`)).body, /^aim_engine_ends_total\{reason="stalled"\} 1$/m)
      assert.equal(await aim.stop(), 0)
      assert.deepEqual(aim.left(), [])
    })
  }

  test('an idle engine that works is asked for a token now and then, and goes on', async () => {
    await using aim = await start()
    const { engine } = await aim.until('ready')
    const tokens = async (): Promise<number> =>
      Number(/^vllm:generation_tokens_total\{[^}]*\} (\S+)/m.exec((await get(`${api(aim)}/metrics`)).body)?.[1])
    const before = await tokens()
    await until('three canaries', async () => ((await tokens()) >= before + 3 ? true : undefined))
    assert.equal((await aim.status()).engine.pid, engine.pid)
  })

  test('an engine that is slower than the limit for a token but moves is left alone, and so is one with a full queue', async () => {
    await using aim = await start({ AIM_SIMULATOR_TOKEN_MS: '1500', AIM_ENGINE_ARGS: '{"max-num-seqs": 1}' })
    await aim.until('ready')
    const streams = [1, 2, 3].map(() => stream(api(aim), stage.repo, 3))
    assert.deepEqual(
      (await Promise.all(streams)).map(({ tokens }) => tokens),
      [3, 3, 3],
    )
    assert.equal((await aim.status()).restarts, 0)
  })

  test('a prompt that takes longer than the limit is none while its chunks fill the cache', async () => {
    await using aim = await start({ AIM_SIMULATOR_FAULT: 'slow-prefill=6' })
    const { engine } = await aim.until('ready')
    assert.equal((await chat(api(aim), stage.repo)).status, 200)
    const now = await aim.status()
    assert.deepEqual([now.engine.pid, now.stall], [engine.pid, undefined])
  })

  for (const fault of ['core-freezes', 'worker-freezes']) {
    test(`the simulator's own ${fault} is found without anybody's work`, async () => {
      await using aim = await start({ AIM_SIMULATOR_FAULT: `${fault}=3`, AIM_RESTART: 'never' })
      assert.equal(await aim.exited, 137)
      assert.match(
        aim.output(),
        /exit code 137 \(AIM Engine killed the engine\): .*(?:no answer to a smallest request|takes no step), for 2\.0s\nfix: read the evidence; AIM_STALL_ACTION=report /,
      )
      assert.deepEqual(aim.left(), [])
    })
  }

  test('under report nothing is ended: /livez turns 503, and 200 again when the engine moves again', async () => {
    await using aim = await start({ AIM_STALL_ACTION: 'report' })
    const status = await aim.until('ready')
    const core = pidOf(status, 'VLLM::Engine')
    process.kill(core, 'SIGSTOP')
    await until('the report', async () => ((await aim.probe('/livez')) === 503 ? true : undefined))
    assert.deepEqual(await Promise.all(['/startupz', '/readyz'].map(aim.probe)), [200, 503])
    process.kill(core, 'SIGCONT')
    await aim.until('ready')
    assert.deepEqual(await Promise.all(['/startupz', '/livez', '/readyz'].map(aim.probe)), [200, 200, 200])
    assert.equal((await aim.status()).engine.pid, status.engine.pid)
    assert.equal(await aim.stop(), 0)
  })

  test('being stopped ourselves is no stall of the engine', async () => {
    await using aim = await start()
    const status = await aim.until('ready')
    const tree = [aim.child.pid ?? 0, ...descendantsOf(processTable(), aim.child.pid ?? 0).map(({ pid }) => pid)]
    const streamed = stream(api(aim), stage.repo, 400)
    await until('work', async () => (/requests_running\{[^}]*\} 1/.test((await get(`${api(aim)}/metrics`)).body) ? true : undefined))
    for (const pid of tree) process.kill(pid, 'SIGSTOP')
    const began = performance.now()
    await until('three limits', () => (performance.now() - began > 6000 ? true : undefined))
    for (const pid of tree) process.kill(pid, 'SIGCONT')
    assert.equal((await streamed).tokens, 400)
    const now = await aim.until('ready')
    assert.deepEqual([now.restarts, now.engine.pid, now.stall], [0, status.engine.pid, undefined])
  })

  test('an engine whose server is not well for too long is not left unready for ever', async () => {
    await using aim = await start({ AIM_RESTART: 'never' })
    const { engine } = await aim.until('ready')
    process.kill(engine.pid ?? 0, 'SIGSTOP')
    assert.equal(await aim.exited, 137)
    assert.match(aim.output(), /the engine's server has not been well, for 2\.0s/)
    assert.deepEqual(aim.left(), [])
  })
})
