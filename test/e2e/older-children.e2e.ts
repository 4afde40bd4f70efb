import assert from 'node:assert/strict'
import { test } from 'node:test'
import { processTable } from '../../src/supervisor/proc.ts'
import { aimCommand, startAim } from '../stage/aim.ts'
import { processesWith } from '../stage/left.ts'
import { setStage } from '../stage/model.ts'
import { until } from '../stage/until.ts'

test('a process that an entrypoint left running before us is no part of an engine: it outlives a crash and a stop', async (t) => {
  await using stage = await setStage({ megabytes: 2, shards: 1 })
  const marker = `${stage.directory}/run`
  await using aim = await startAim({
    command: ['/bin/sh', '-c', 'sleep 986 >/dev/null 2>&1 & exec "$@"', 'sh', ...aimCommand],
    environment: {
      ...{ AIM_ENGINE: 'simulator', AIM_SIMULATOR_SPEED: '40', AIM_RESTART_BACKOFF: '10ms', AIM_HOST: '127.0.0.1' },
      ...{ HF_ENDPOINT: stage.hub.url, AIM_CACHE_PATH: stage.cache, AIM_MODEL_ID: stage.repo, HF_XET_CACHE: marker },
    },
  })
  const { engine } = await aim.until('ready')
  const older = processTable().find(({ parent, name }) => parent === aim.child.pid && name === 'sleep')
  assert.ok(older)
  const left = (): readonly string[] => processesWith('HF_XET_CACHE', marker)
  t.after(() => left().length > 0 && process.kill(older.pid, 'SIGKILL'))
  process.kill(engine.pid ?? 0, 'SIGKILL')
  await until('a second ready', async () => {
    const { restarts, ready } = await aim.status()
    return (restarts === 1 && ready) || undefined
  })
  assert.ok(left().includes(`${older.pid} sleep`), 'it went with the engine that crashed')
  aim.child.kill('SIGTERM')
  assert.equal(await aim.exited, 0)
  assert.deepEqual(left(), [`${older.pid} sleep`])
})
