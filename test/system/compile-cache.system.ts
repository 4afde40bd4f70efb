import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ensureApt } from '../engines/apt.ts'
import { ensureRealEngine, type RealEngine } from '../engines/install.ts'
import { startAim } from '../stage/aim.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { until } from '../stage/until.ts'

/** A start of the real vLLM with a compiler on two busy cores; milliseconds. */
const startMs = 500_000

describe('what the real vLLM compiles', () => {
  let stage: Stage
  let engine: RealEngine
  before(async () => {
    await ensureApt('g++')
    engine = await ensureRealEngine()
    stage = await setStage({ model: engine.model })
  })
  after(() => stage[Symbol.asyncDispose]())

  /** One container's worth: everything but the cache's volume is its own. Gives its log, and the milliseconds of its phases. */
  const start = async (container: string) => {
    const place = join(stage.directory, container)
    for (const name of ['tmp', 'home']) await mkdir(join(place, name), { recursive: true })
    await using aim = await startAim({
      environment: {
        ...{ HF_ENDPOINT: stage.hub.url, AIM_CACHE_PATH: stage.cache, AIM_MODEL_ID: stage.repo, AIM_GPU_COUNT: '0', AIM_HOST: '127.0.0.1' },
        ...{ AIM_ENGINE_COMMAND: engine.vllm, AIM_MAX_MODEL_LEN: '1024', VLLM_CPU_KVCACHE_SPACE: '1' },
        ...{ TMPDIR: join(place, 'tmp'), HOME: join(place, 'home') },
      },
    })
    const begin = performance.now()
    const { phases } = await aim.until('ready', startMs)
    const ms = Math.round(performance.now() - begin)
    if (container === 'first') await until('it is kept', () => (/kept for the next start/.test(aim.output()) ? true : undefined), 60_000)
    aim.child.kill('SIGTERM')
    assert.equal(await aim.exited, 0)
    return { log: aim.output(), phases, ms }
  }

  test('is compiled once and loaded by the next container', async (t) => {
    const first = await start('first')
    const second = await start('second')
    for (const [name, { phases, ms }] of Object.entries({ first, second })) t.diagnostic(`${name}: ${ms} ms; ${JSON.stringify(phases)}`)
    assert.doesNotMatch(first.log, /Directly load/)
    assert.match(second.log, /compile cache: .* of an earlier start/)
    // vLLM 0.32 on a CPU finds its own archive of the whole and cannot load it: then it is the inductor's cache beside it that saves the time.
    const found = /(?:Directly load \D*|load failure from )\S*\/second\/tmp\/aim-compiled-\S*/
    assert.match(second.log, found, second.log.match(/^.*(?:ompil|AOT|cache).*$/gm)?.join('\n') ?? '')
  })
})
