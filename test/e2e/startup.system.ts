import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { get } from '../stage/aim.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { type QuickAim, startQuick } from '../stage/quick.ts'
import { until } from '../stage/until.ts'

describe('a start that one can read, on the simulator', () => {
  let stage: Stage
  before(async () => {
    stage = await setStage({ megabytes: 8, shards: 4 })
  })
  after(() => stage[Symbol.asyncDispose]())
  const start = (environment: Record<string, string> = {}): Promise<QuickAim> => startQuick(stage, environment)

  for (const phase of ['import', 'engine', 'weights', 'capture', 'http']) {
    test(`a start that stops at ${phase} is examined and ended, and the reason names the phase`, async () => {
      await using aim = await start({ AIM_SIMULATOR_FAULT: `stall-at=${phase}`, AIM_STARTUP_STALL_TIMEOUT: '2s', AIM_RESTART: 'never' })
      assert.equal(await aim.exited, 137)
      assert.match(
        aim.output(),
        /exit code 137 \(AIM Engine killed the engine\): the start stood still for 2\.0s in phase [^\n]+\nfix: .*AIM_STARTUP_STALL_TIMEOUT/,
      )
      assert.match(aim.output(), /state S, \d+ threads/)
      assert.deepEqual(aim.left(), [])
    })
  }

  test('the reason of a load that stops says how far it came, and so does the metric', async () => {
    await using aim = await start({ AIM_SIMULATOR_FAULT: 'stall-at=weights', AIM_STARTUP_STALL_TIMEOUT: '2s', AIM_RESTART_INTENSITY: '1' })
    await until('the second start', async () => ((await aim.status()).restarts === 1 ? true : undefined))
    const { stall } = await aim.status()
    assert.match(stall?.sentence ?? '', /in phase weights at 0 of 4/)
    assert.match((await get(`http://127.0.0.1:${aim.opsPort}/metrics`)).body, /^aim_stalls_total\{phase="weights"\} 1$/m)
    assert.equal(await aim.exited, 137)
  })

  test('a load that says nothing for three times the limit but reads is not ended', async () => {
    await using aim = await start({ AIM_SIMULATOR_FAULT: 'silent-load=7', AIM_STARTUP_STALL_TIMEOUT: '2s' })
    const seen = new Set<string | undefined>()
    await until('ready', async () => {
      const { state, startup } = await aim.status()
      if (startup?.phase === 'weights') seen.add(`${startup.verdict} by ${startup.movedBy}`)
      return state === 'ready' ? true : undefined
    })
    assert.ok(seen.has('progressing by bytes'), [...seen].join())
    assert.deepEqual([(await aim.status()).restarts, (await aim.status()).startup], [0, undefined])
    assert.equal(await aim.stop(), 0)
  })

  test('the second start knows how long the first one took', async () => {
    const cache = join(stage.directory, 'cache-eta')
    await using first = await start({ AIM_CACHE_PATH: cache })
    await first.until('ready')
    const kept = await until('the file', () => {
      const files = readdirSync(join(cache, 'aim', 'starts'))
      return files.length === 1 && files[0]?.endsWith('.json') ? files : undefined
    })
    assert.equal(kept.length, 1)
    assert.equal(await first.stop(), 0)
    await using second = await start({ AIM_CACHE_PATH: cache })
    const [eta, last, elapsed] = await until('an estimate', async () => {
      const { startup } = await second.status()
      return startup?.phase === 'import' && startup.etaMs !== undefined
        ? [startup.etaMs, startup.lastMs ?? 0, startup.elapsedMs]
        : undefined
    })
    assert.ok(eta <= last && eta > 0 && elapsed >= 0)
    assert.match((await get(`http://127.0.0.1:${second.opsPort}/metrics`)).body, /^aim_startup_eta_seconds \d/m)
    await second.until('ready')
    assert.equal(await second.stop(), 0)
  })
})
