import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { mi300x } from '../fixtures/hardware/machines.ts'
import { writeTree } from '../fixtures/hardware/tree.ts'
import { type Aim, startAim } from '../stage/aim.ts'
import { processesWith } from '../stage/left.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { until } from '../stage/until.ts'

const gib = 1024 ** 3

describe('aim serve on a machine whose GPU memory a test sets', () => {
  let stage: Stage
  let serial = 0
  before(async () => {
    stage = await setStage({ megabytes: 2, shards: 1 })
  })
  after(() => stage[Symbol.asyncDispose]())

  /** Starts aim on a captured MI300X of which `used` bytes are taken. */
  const start = async (used: number, environment: Record<string, string> = {}) => {
    const machine = join(stage.directory, `machine-${serial++}`)
    writeTree(mi300x(1), machine)
    const use = (bytes: number): void =>
      writeFileSync(join(machine, '/sys/devices/pci0000:00/0000:11:00.0/mem_info_vram_used'), `${bytes}\n`)
    use(used)
    const log = join(machine, 'termination-log')
    const aim: Aim = await startAim({
      environment: {
        ...{ AIM_ENGINE: 'simulator', AIM_SIMULATOR_SPEED: '40', AIM_RESTART_BACKOFF: '10ms', AIM_HOST: '127.0.0.1' },
        ...{ HF_ENDPOINT: stage.hub.url, AIM_CACHE_PATH: stage.cache, AIM_MODEL_ID: stage.repo },
        ...{ AIM_SYSFS_ROOT: machine, HF_XET_CACHE: machine, AIM_TERMINATION_LOG: log, ...environment },
      },
    })
    return { aim, use, left: () => processesWith('HF_XET_CACHE', machine), lastWords: () => readFileSync(log, 'utf8') }
  }
  const killEngine = async (aim: Aim): Promise<void> => {
    process.kill((await aim.status()).engine.pid ?? 0, 'SIGKILL')
  }

  test('a start waits while others hold the memory, says who lacks how much, in its log too, and starts when it is free', async () => {
    const { aim, use } = await start(100 * gib)
    await using _ = aim
    const { reason, next } = await until('waiting', async () => {
      const now = await aim.status()
      return now.state === 'waiting' && now.reason !== '' ? now : undefined
    })
    assert.match(reason, /0000:11:00\.0 has 92 GiB of 192 GiB free, the engine asks for 177 GiB/)
    assert.match(next, /when the GPU memory that it asks for is free/)
    assert.equal(await aim.probe('/livez'), 200)
    await until('its log', () => /others hold GPU memory: 0000:11:00\.0 has 92 GiB/.test(aim.output()) || undefined)
    assert.equal((await aim.status()).state, 'waiting')
    use(gib)
    assert.equal((await aim.until('ready')).reason, '')
  })

  test('after a crash the next engine comes only when the memory of the last one is back', async () => {
    const { aim, use } = await start(gib)
    await using _ = aim
    await aim.until('ready')
    use(150 * gib)
    await killEngine(aim)
    await aim.until('reclaiming')
    use(gib)
    assert.equal(
      (
        await until('ready again', async () => {
          const now = await aim.status()
          return now.ready && now.restarts === 1 ? now : undefined
        })
      ).restarts,
      1,
    )
    assert.doesNotMatch(aim.output(), /did not come back/)
  })

  test('memory that does not come back ends it when policy says so; the crash stays the first cause, the device and the amount follow', async () => {
    const { aim, use, left, lastWords } = await start(gib, { AIM_MEMORY_HELD_ACTION: 'exit', AIM_RECLAIM_TIMEOUT: '1s' })
    await using _ = aim
    await aim.until('ready')
    use(150 * gib)
    await killEngine(aim)
    assert.equal(await aim.exited, 137)
    assert.match(
      lastWords(),
      /^exit code 137 \(the engine's\): [^\n]*the engine was ended by SIGKILL; GPU memory of the engine did not come back: 0000:11:00\.0 still holds 149 GiB \(the driver names no process that has it\)/,
    )
    assert.deepEqual(left(), [])
  })

  test('a stop that was asked for ends with 0 and says what the driver still holds', async () => {
    const { aim, use } = await start(gib, { AIM_RECLAIM_TIMEOUT: '1s' })
    await using _ = aim
    await aim.until('ready')
    use(150 * gib)
    aim.child.kill('SIGTERM')
    assert.equal(await aim.exited, 0)
    assert.match(aim.output(), /GPU memory of the engine did not come back/)
  })
})
