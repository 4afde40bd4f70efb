import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { processTable } from '../../src/supervisor/proc.ts'
import { type Aim, aimCommand, bareEnvironment, get, startAim } from '../stage/aim.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { until } from '../stage/until.ts'

const namespace = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child'] as const
const possible = spawnSync(namespace[0], [...namespace.slice(1), 'true']).status === 0

describe('PID 1 of a PID namespace', () => {
  let stage: Stage
  before(async () => {
    stage = await setStage({ megabytes: 2, shards: 1 })
  })
  after(() => stage[Symbol.asyncDispose]())

  /** Pid of the inner PID 1 as this namespace sees it. */
  const inner = (aim: Aim): number => processTable().find(({ parent }) => parent === aim.child.pid)?.pid ?? 0
  const start = (environment: Record<string, string> = {}): Promise<Aim> =>
    startAim({
      command: [...namespace, ...aimCommand],
      environment: {
        AIM_ENGINE: 'simulator',
        AIM_SIMULATOR_SPEED: '40',
        AIM_RESTART_BACKOFF: '10ms',
        HF_ENDPOINT: stage.hub.url,
        AIM_CACHE_PATH: stage.cache,
        AIM_MODEL_ID: stage.repo,
        AIM_HOST: '127.0.0.1',
        ...environment,
      },
    })

  test('reaps 200 orphans of the engine, leaves no zombie, and still sees the engine itself end', async (t) => {
    if (!possible) return t.diagnostic('no PID namespace can be made here (not root?): this check did not run')
    await using aim = await start({ AIM_SIMULATOR_FAULT: 'orphans=200' })
    await aim.until('ready')
    const pid = inner(aim)
    const reaped = async (): Promise<number> =>
      Number(/^aim_reaped_processes_total (\d+)/m.exec((await get(`http://127.0.0.1:${aim.opsPort}/metrics`)).body)?.[1])
    await until('200 reaped', async () => ((await reaped()) >= 200 ? true : undefined))
    assert.deepEqual(
      processTable().filter(({ parent, state }) => parent === pid && state === 'Z'),
      [],
    )
    process.kill(pid, 'SIGTERM')
    assert.equal(await aim.exited, 0)
    assert.match(aim.output(), /the engine exited with code 0/)
  })

  test('a worker in a session of its own does not outlive a stop', async (t) => {
    if (!possible) return t.diagnostic('no PID namespace can be made here (not root?): this check did not run')
    await using aim = await start({ AIM_SIMULATOR_FAULT: 'setsid-workers,ignore-sigterm', AIM_STOP_TIMEOUT: '200ms' })
    await aim.until('ready')
    process.kill(inner(aim), 'SIGTERM')
    assert.equal(await aim.exited, 0)
    assert.match(aim.output(), /reclaiming -> terminated/)
  })

  test('a signal that PID 1 does not name changes nothing, and USR1 opens no inspector', async (t) => {
    if (!possible) return t.diagnostic('no PID namespace can be made here (not root?): this check did not run')
    await using aim = await start()
    await aim.until('ready')
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGWINCH'] as const) process.kill(inner(aim), signal)
    await until('the report', () => (/status state=ready/.test(aim.output()) ? true : undefined))
    assert.equal((await aim.status()).state, 'ready')
    assert.doesNotMatch(aim.output(), /Debugger|inspector/i)
    process.kill(inner(aim), 'SIGINT')
    assert.equal(await aim.exited, 0)
  })

  for (const [bytes, code, claim] of [
    [4_000_000, 41, 'that nobody reads'],
    // More than waits for a slow reader.
    [20_000_000, 0, 'that nobody reads and that is full'],
  ] as const)
    test(`ends with the code of an engine that ended with ${code} though its output is a socket ${claim}`, async (t) => {
      if (!possible) return t.diagnostic('no PID namespace can be made here (not root?): this check did not run')
      // What Node calls a pipe is a socket pair; nobody reads this one.
      const child = spawn(namespace[0], [...namespace.slice(1), ...aimCommand], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...bareEnvironment(),
          ...{ AIM_ENGINE: 'simulator', AIM_RESTART: 'never', AIM_OPS_PORT: '0', AIM_TERMINATION_LOG: '/dev/null' },
          ...{ HF_ENDPOINT: stage.hub.url, AIM_CACHE_PATH: stage.cache, AIM_MODEL_ID: stage.repo },
          AIM_ENGINE_COMMAND: `/bin/sh -c 'yes | head -c ${bytes}; exit ${code}'`,
        },
      })
      const ended = once(child, 'exit')
      try {
        await until('its end', () => child.exitCode ?? undefined, 60_000)
      } finally {
        child.kill('SIGKILL')
      }
      assert.deepEqual(await ended, [code || 1, null])
    })
})
