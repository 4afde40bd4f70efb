import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Aim, aimCommand, get, startAim } from '../stage/aim.ts'
import { type Stage, setStage } from '../stage/model.ts'

/** What the real engine said, with an estimate that the small model's context allows. */
const capture = readFileSync(join(import.meta.dirname, '../fixtures/engine/kv-cache-too-small.log'), 'utf8').replaceAll('1048448', '1100')

describe('a context that does not fit', () => {
  let stage: Stage
  before(async () => {
    stage = await setStage({ megabytes: 1, shards: 1 })
  })
  after(() => stage[Symbol.asyncDispose]())

  /** Starts aim on an engine that says what the real one said, until it is given a context of `fits` tokens. */
  const start = (fits: number, environment: Record<string, string> = {}): Promise<Aim> => {
    const engine = join(stage.directory, `engine-${fits}`)
    const said = `${engine}.log`
    writeFileSync(said, capture)
    const simulator = [...aimCommand, 'simulator'].map((word) => `'${word}'`).join(' ')
    writeFileSync(
      engine,
      `#!/bin/sh\ncase " $* " in *" --max-model-len ${fits} "*) exec ${simulator} "$@";; esac\ncat '${said}' >&2; exit 1\n`,
    )
    chmodSync(engine, 0o755)
    return startAim({
      environment: {
        ...{ AIM_ENGINE: 'simulator', AIM_ENGINE_COMMAND: engine, AIM_SIMULATOR_SPEED: '40', AIM_HOST: '127.0.0.1' },
        ...{ HF_ENDPOINT: stage.hub.url, AIM_CACHE_PATH: stage.cache, AIM_MODEL_ID: stage.repo, AIM_MIN_MODEL_LEN: '512', ...environment },
      },
    })
  }

  test('is cut once to what fits, and status, log and metrics say so', async () => {
    await using aim = await start(1024)
    const { adjustments, reason } = await aim.until('ready')
    assert.match(adjustments?.join() ?? '', /^serves a context of 1024 tokens instead of the planned one: .*KV cache/)
    assert.equal(reason, '')
    assert.match(aim.output(), /warning starts once more and serves a context of 1024 tokens/)
    assert.match((await get(`http://127.0.0.1:${aim.opsPort}/metrics`)).body, /^aim_self_help_total\{kind="context"\} 1$/m)
  })
  test('is tried once and no more', async () => {
    await using aim = await start(1)
    assert.equal(await aim.exited, 78)
    assert.equal(aim.output().match(/engine started/g)?.length, 2)
  })
  for (const [claim, floor] of [
    ['is not cut below AIM_MIN_MODEL_LEN', '1000000'],
    ['is not cut at all with AIM_MIN_MODEL_LEN=0', '0'],
  ] as const)
    test(claim, async () => {
      await using aim = await start(1024, { AIM_MIN_MODEL_LEN: floor })
      assert.equal(await aim.exited, 78)
      assert.equal(aim.output().match(/engine started/g)?.length, 1)
    })
})
