import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { treeOf } from '../observer/process-tree.ts'
import { type Engine, eventually, post, ready, sample, start, status } from './engine.ts'
import { directory, modelFiles } from './fixture.ts'

const faulty = (model: string, fault: string, words: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
  start(model, words, { AIM_SIMULATOR_FAULT: fault, ...env })

const named = (engine: Engine, name: string) => treeOf(engine.pid).filter((entry) => entry.name.startsWith(name))

/** Processes of this name anywhere: what has left the session is in no tree of ours. */
const anywhere = (name: string, among: ReadonlySet<number>): readonly number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && !among.has(Number(entry)))
    .flatMap((entry) => {
      try {
        return readFileSync(`/proc/${entry}/comm`, 'utf8').trim() === name ? [Number(entry)] : []
      } catch {
        return []
      }
    })

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

describe('the simulator misbehaves on request', { concurrency: 4 }, () => {
  it('crash-at-load prints the given log and nothing after it, and ends with the given code', async () => {
    await using model = await directory({ ...modelFiles(), 'crash.log': 'the story\nof a crash\n' })
    const env = { AIM_SIMULATOR_CRASH_LOG: join(model.path, 'crash.log'), AIM_SIMULATOR_EXIT_CODE: '7' }
    await using engine = await faulty(model.path, 'crash-at-load', [], env)
    assert.deepEqual(await engine.exit, { code: 7, signal: null })
    assert.ok(engine.stderr().endsWith('the story\nof a crash\n'), engine.stderr())
  })
  it('crash-at-load without a log tells a story of its own', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'crash-at-load')
    assert.equal((await engine.exit).code, 1)
    assert.match(engine.stdout(), /WorkerProc failed to start/)
    assert.match(engine.stderr(), /Engine core initialization failed/)
  })
  it('exit-after-ready ends everything with the given code', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'exit-after-ready=0', [], { AIM_SIMULATOR_EXIT_CODE: '3' })
    assert.deepEqual(await engine.exit, { code: 3, signal: null })
    await eventually('nothing is left', () => treeOf(engine.pid).length === 0)
  })
  it('core-dies ends the server with 0, as vLLM ends', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'core-dies=0.2')
    assert.deepEqual(await engine.exit, { code: 0, signal: null })
    assert.match(engine.stdout(), /engine core exited unexpectedly/)
  })
  it('hang answers every probe and produces nothing more', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'hang=5')
    await ready(engine)
    const response = await post(engine, '/v1/completions', { prompt: 'a', max_tokens: 50, stream: true })
    const reader = response.body?.getReader()
    await reader?.read()
    await eventually('five tokens are out', async () => (await sample(engine, 'vllm:generation_tokens_total')) === 5)
    assert.deepEqual([await status(engine, '/health'), await sample(engine, 'vllm:num_requests_running')], [200, 1])
    await reader?.cancel()
  })
  it('a SIGSEGV sent to the worker leaves it there, and nothing moves', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, [], { AIM_SIMULATOR_TOKEN_MS: '10' })
    await ready(engine)
    const response = await post(engine, '/v1/completions', { prompt: 'a', max_tokens: 1000, stream: true })
    const reader = response.body?.getReader()
    await reader?.read()
    const [worker] = named(engine, 'VLLM::Worker')
    process.kill(worker?.pid ?? 0, 'SIGSEGV')
    let steps: number | undefined
    await eventually('two looks show the same count', async () => {
      const earlier = steps
      await new Promise((resolve) => setTimeout(resolve, 50))
      steps = await sample(engine, 'vllm:iteration_tokens_total_count')
      return steps === earlier
    })
    assert.deepEqual([await status(engine, '/health'), named(engine, 'VLLM::Worker').length], [200, 1])
    await reader?.cancel()
  })
  it('ignore-sigterm stays', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'ignore-sigterm')
    await ready(engine)
    engine.kill('SIGTERM')
    assert.equal(await status(engine, '/health'), 200)
    engine.kill('SIGKILL')
    assert.deepEqual(await engine.exit, { code: null, signal: 'SIGKILL' })
  })
  it('setsid-workers leave the session and outlive a clean stop', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'setsid-workers')
    await ready(engine)
    const [worker] = named(engine, 'VLLM::Worker')
    assert.ok(worker !== undefined && worker.session === worker.pid)
    engine.kill('SIGTERM')
    assert.equal((await engine.exit).code, 0)
    assert.ok(isAlive(worker.pid))
    process.kill(worker.pid, 'SIGKILL')
  })
  it('double-fork leaves a process without a parent of ours', async () => {
    const earlier = new Set(anywhere('VLLM::Stray', new Set()))
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'double-fork')
    await ready(engine)
    await eventually('the stray is there', () => anywhere('VLLM::Stray', earlier).length === 1)
    const [stray = 0] = anywhere('VLLM::Stray', earlier)
    await eventually('it has left the tree', () => treeOf(engine.pid).every((entry) => entry.pid !== stray))
    engine.kill('SIGTERM')
    assert.equal((await engine.exit).code, 0)
    assert.ok(isAlive(stray))
    process.kill(stray, 'SIGKILL')
  })
  it('stall-at stays in its phase, silent', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'stall-at=kv-cache')
    await eventually('the phase before is done', () => engine.stdout().includes('Available KV cache memory'))
    assert.doesNotMatch(engine.stdout(), /KV cache size/)
    assert.equal(await status(engine, '/health'), undefined)
  })
  it('slow-tokens takes its time for every token', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'slow-tokens=100')
    await ready(engine)
    await post(engine, '/v1/completions', { prompt: 'a', max_tokens: 3 })
    assert.ok(((await sample(engine, 'vllm:e2e_request_latency_seconds_sum')) ?? 0) >= 0.29)
  })
  it('flood-log fills standard output', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'flood-log=2000')
    await eventually('a thousand lines are there', () => engine.stdout().split('a line of the flood').length > 1000)
    await ready(engine)
  })
  it('leak-shm leaves a file in shared memory, and says which', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'leak-shm')
    await eventually('it is left', () => engine.stdout().includes('left behind'))
    engine.kill('SIGTERM')
    await engine.exit
    const leaked = /left behind: (\/dev\/shm\/psm_\w+)/.exec(engine.stdout())?.[1] ?? ''
    assert.ok(existsSync(leaked))
    rmSync(leaked)
  })
  it('orphans come home and end by themselves', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'orphans=3')
    await eventually('three are in the session, without their parent', () => {
      const tree = treeOf(engine.pid)
      const pids = new Set(tree.map((entry) => entry.pid))
      return tree.filter((entry) => entry.name === 'sleep' && !pids.has(entry.parent)).length === 3
    })
    await eventually('they are gone', () => named(engine, 'sleep').length === 0)
  })
  it('health-500 says so at /health', async () => {
    await using model = await directory(modelFiles())
    await using engine = await faulty(model.path, 'health-500')
    await eventually('it answers', async () => (await status(engine, '/version')) === 200)
    assert.equal(await status(engine, '/health'), 500)
  })
})
