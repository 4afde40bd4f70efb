import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { treeOf } from '../observer/process-tree.ts'
import { type Engine, eventually, post, ready, start, status } from './engine.ts'
import { directory, modelFiles } from './fixture.ts'

const names = (engine: Engine): readonly string[] =>
  treeOf(engine.pid)
    .map((entry) => entry.name)
    .sort()

describe('the served process', { concurrency: 4 }, () => {
  it('has a core below it and a worker below that, in one session and group', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path)
    await ready(engine)
    const tree = treeOf(engine.pid)
    const [core, worker] = ['VLLM::EngineCor', 'VLLM::Worker'].map((name) => tree.find((entry) => entry.name === name))
    assert.deepEqual(names(engine), ['VLLM::EngineCor', 'VLLM::Worker', 'vllm'])
    assert.deepEqual([core?.parent, worker?.parent], [engine.pid, core?.pid])
    assert.ok(tree.every((entry) => entry.session === engine.pid && entry.group === engine.pid))
  })
  it('keeps its command line readable, and names its children by theirs', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path)
    await ready(engine)
    const lines = treeOf(engine.pid).map((entry) => readFileSync(`/proc/${entry.pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim())
    assert.ok(lines.some((line) => line.includes(`serve ${model.path} --port ${engine.port}`)))
    assert.ok(lines.includes('VLLM::EngineCore') && lines.includes('VLLM::Worker'))
  })
  it('has one worker per rank', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, ['-tp', '2'])
    await ready(engine)
    // Both names are cut to the same fifteen bytes by the kernel.
    assert.deepEqual(names(engine), ['VLLM::EngineCor', 'VLLM::Worker_TP', 'VLLM::Worker_TP', 'vllm'])
    assert.match(engine.stdout(), /\(Worker_TP1 pid=\d+\) INFO .*world_size=2 rank=1/)
    assert.equal((await post(engine, '/v1/completions', { prompt: 'a', max_tokens: 3 })).status, 200)
  })
  it('dies of SIGINT when SIGTERM comes before it is up, and nothing is left', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, [], { AIM_SIMULATOR_FAULT: 'stall-at=weights' })
    await eventually('the worker loads', () => engine.stdout().includes('Starting to load model'))
    engine.kill('SIGTERM')
    assert.deepEqual(await engine.exit, { code: null, signal: 'SIGINT' })
    await eventually('nothing is left', () => names(engine).length === 0)
  })
  it('ends with 0 for SIGINT once it is up', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path)
    await ready(engine)
    engine.kill('SIGINT')
    assert.deepEqual(await engine.exit, { code: 0, signal: null })
  })
  it('takes no notice of a second signal while it drains', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, ['--shutdown-timeout', '60'], { AIM_SIMULATOR_TOKEN_MS: '10' })
    await ready(engine)
    const response = await post(engine, '/v1/completions', { prompt: 'a', max_tokens: 60, stream: true })
    engine.kill('SIGTERM')
    await eventually('it drains', () => engine.stdout().includes('mode=drain'))
    engine.kill('SIGTERM')
    assert.equal(await status(engine, '/health'), 200)
    const refused = (await (await post(engine, '/v1/completions', { prompt: 'a' })).json()) as { choices: { finish_reason: string }[] }
    assert.equal(refused.choices[0]?.finish_reason, 'abort')
    assert.match(await response.text(), /"finish_reason":"length".*\n\ndata: \[DONE\]\n\n$/)
    assert.deepEqual(await engine.exit, { code: 0, signal: null })
  })
  it('cuts what still runs when the timeout is over', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, ['--shutdown-timeout', '1'], { AIM_SIMULATOR_TOKEN_MS: '100' })
    await ready(engine)
    const response = await post(engine, '/v1/completions', { prompt: 'a', max_tokens: 1000, stream: true })
    engine.kill('SIGTERM')
    assert.match(await response.text(), /"type":"InternalServerError".*\n\ndata: \[DONE\]\n\n$/)
    assert.deepEqual(await engine.exit, { code: 0, signal: null })
  })
  it('serves nothing over HTTP at a headless rank, and still ends with 0', async () => {
    await using model = await directory(modelFiles())
    await using engine = await start(model.path, ['--headless'])
    await eventually('the engine is up', () => engine.stdout().includes('init engine'))
    // The signal means a clean end only once the server has taken it over: until then it would be a death by SIGINT.
    await eventually('the core is known to be ready', () => engine.stdout().includes('Headless'))
    assert.equal(await status(engine, '/health'), undefined)
    engine.kill('SIGTERM')
    assert.deepEqual(await engine.exit, { code: 0, signal: null })
  })
})
