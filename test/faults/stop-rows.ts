import assert from 'node:assert/strict'
import { docker } from '../stage/docker.ts'
import { until } from '../stage/until.ts'
import type { Row } from './row.ts'
import type { Scene } from './scene.ts'

/** Streams, and calls `then` at the first token. */
const streaming = async (scene: Scene, tokens: number, then: () => Promise<unknown>): ReturnType<Scene['stream']> => {
  await scene.ready()
  const { promise: first, resolve } = Promise.withResolvers<void>()
  const streamed = scene.stream(tokens, resolve)
  await Promise.race([first, streamed])
  await then()
  return streamed
}

/** Ends it as soon as it is ready. */
const readyThen =
  (signal: string) =>
  async (scene: Scene): Promise<void> => {
    await scene.ready()
    await scene.signal(signal)
  }

const slowTokens = { AIM_SIMULATOR_TOKEN_MS: '50' }
const served = 'loading ready (down)'

/** How it ends when it is told to. */
export const stopRows: readonly Row[] = [
  { fault: 'TERM when idle', act: readyThen('TERM'), probes: served, exit: 0 },
  { fault: 'INT when idle', act: readyThen('INT'), probes: served, exit: 0 },
  { fault: 'QUIT when idle', act: readyThen('QUIT'), probes: served, exit: 0 },
  {
    fault: 'docker stop with a stream open: the stream is finished whole, not ready meanwhile',
    act: async (scene) => {
      let stopped: Promise<string> | undefined
      const streamed = await streaming(scene, 100, async () => {
        stopped = docker('stop', '-t', '60', scene.aim.id)
        await scene.aim.until('draining')
      })
      assert.deepEqual([streamed.tokens, streamed.done], [100, true])
      await stopped
    },
    probes: 'loading ready down',
    exit: 0,
  },
  {
    fault: 'TERM with a stream open on an engine that would hang with it: finished first',
    environment: { AIM_SIMULATOR_TERM_RACE: 'hang' },
    act: async (scene) => {
      const streamed = await streaming(scene, 100, () => scene.signal('TERM'))
      assert.deepEqual([streamed.tokens, streamed.done], [100, true])
    },
    probes: 'loading ready down',
    exit: 0,
  },
  {
    fault: 'the stream outlasts AIM_DRAIN_TIMEOUT: cut, still 0',
    environment: { ...slowTokens, AIM_DRAIN_TIMEOUT: '500ms' },
    act: async (scene) => {
      const streamed = await streaming(scene, 2000, () => scene.signal('TERM'))
      assert.notEqual(streamed.tokens, 2000)
    },
    probes: 'loading ready down',
    exit: 0,
  },
  {
    fault: 'the stream outlasts AIM_DRAIN_TIMEOUT and the engine would hang with it: killed after AIM_STOP_TIMEOUT',
    environment: { ...slowTokens, AIM_SIMULATOR_TERM_RACE: 'hang', AIM_DRAIN_TIMEOUT: '500ms', AIM_STOP_TIMEOUT: '500ms' },
    act: async (scene) => {
      const streamed = await streaming(scene, 2000, () => scene.signal('TERM')).catch(() => undefined)
      assert.notEqual(streamed?.tokens, 2000)
    },
    probes: 'loading ready down',
    exit: 0,
  },
  {
    fault: 'a second TERM cuts the stream',
    environment: slowTokens,
    act: async (scene) => {
      const streamed = await streaming(scene, 2000, async () => {
        await scene.signal('TERM')
        await scene.aim.until('draining')
        await scene.signal('TERM')
      })
      assert.notEqual(streamed.tokens, 2000)
    },
    probes: 'loading ready down',
    exit: 0,
  },
  {
    fault: 'a third TERM kills an engine that ignores TERM, however long AIM_STOP_TIMEOUT is',
    environment: { ...slowTokens, AIM_SIMULATOR_FAULT: 'ignore-sigterm', AIM_STOP_TIMEOUT: '1h' },
    act: async (scene) => {
      await streaming(scene, 2000, async () => {
        await scene.signal('TERM')
        await scene.aim.until('draining')
        await scene.signal('TERM')
        await scene.aim.until('stopping')
        await scene.signal('TERM')
      }).catch(() => undefined)
    },
    probes: 'loading ready down',
    exit: 0,
  },
  {
    fault: 'QUIT with a stream open: cut at once',
    environment: slowTokens,
    act: async (scene) => {
      const streamed = await streaming(scene, 2000, () => scene.signal('QUIT'))
      assert.notEqual(streamed.tokens, 2000)
    },
    probes: served,
    exit: 0,
  },
  {
    fault: 'the engine ignores TERM: killed after AIM_STOP_TIMEOUT, still 0',
    environment: { AIM_SIMULATOR_FAULT: 'ignore-sigterm', AIM_STOP_TIMEOUT: '300ms' },
    act: readyThen('TERM'),
    probes: 'loading ready down',
    exit: 0,
  },
  {
    fault: 'the engine ignores TERM and its workers have sessions of their own',
    environment: { AIM_SIMULATOR_FAULT: 'ignore-sigterm,setsid-workers,double-fork', AIM_STOP_TIMEOUT: '300ms' },
    act: readyThen('TERM'),
    probes: 'loading ready down',
    exit: 0,
  },
  {
    fault: 'the engine is frozen when TERM comes: killed after AIM_STOP_TIMEOUT',
    environment: { AIM_DRAIN_TIMEOUT: '500ms', AIM_STOP_TIMEOUT: '300ms' },
    act: async (scene) => {
      await scene.ready()
      await scene.hit('server', 'SIGSTOP')
      await scene.signal('TERM')
    },
    probes: 'loading ready down',
    exit: 0,
  },
  {
    fault: 'the engine dies while it drains: the end is a failure of the engine',
    environment: slowTokens,
    act: async (scene) => {
      await streaming(scene, 2000, async () => {
        await scene.signal('TERM')
        await scene.aim.until('draining')
        await scene.hit('server', 'SIGKILL')
      }).catch(() => undefined)
    },
    probes: 'loading ready down',
    exit: 137,
    says: /SIGKILL/,
  },
  {
    fault: 'TERM while it loads: 0, never ready',
    environment: { AIM_SIMULATOR_SPEED: '4' },
    act: async (scene) => {
      await scene.part('worker')
      await scene.signal('TERM')
    },
    probes: 'loading',
    exit: 0,
  },
  {
    fault: 'TERM while the first answer is waited for: 0, never ready',
    environment: { AIM_SIMULATOR_FAULT: 'hang=0' },
    act: async (scene) => {
      await scene.aim.until('warming')
      await scene.signal('TERM')
    },
    probes: 'loading',
    exit: 0,
  },
  {
    fault: 'TERM while it pulls: 0, no part file',
    hub: { faults: [{ kind: 'drip', at: 'cdn', bytesPerSecond: 50_000 }] },
    act: async (scene) => {
      await until('bytes', async () => ((await scene.aim.status()).phases.find(({ name }) => name === 'pull')?.done ? true : undefined))
      await scene.signal('TERM')
    },
    probes: 'loading',
    exit: 0,
  },
  {
    fault: 'TERM while it waits before its second restart (the first comes at once): 0, not started again',
    environment: { AIM_RESTART_BACKOFF: '1h' },
    act: async (scene) => {
      await scene.ready()
      await scene.hit('server', 'SIGKILL')
      await scene.restarted()
      await scene.hit('server', 'SIGKILL')
      await scene.aim.until('backoff')
      await scene.signal('TERM')
    },
    probes: 'loading ready down ready (down)',
    restarts: 1,
    exit: 0,
  },
  {
    fault: 'docker stop gives one second and the stream needs more: docker kills PID 1, and with it all',
    environment: slowTokens,
    act: async (scene) => {
      await streaming(scene, 2000, () => docker('stop', '-t', '1', scene.aim.id)).catch(() => undefined)
    },
    probes: 'loading ready down',
    exit: 137,
    killed: true,
  },
  {
    fault: 'HUP, USR2, ALRM and WINCH mean nothing, USR1 only a report',
    act: async (scene) => {
      await scene.ready()
      for (const signal of ['HUP', 'USR1', 'USR2', 'ALRM', 'WINCH']) await scene.signal(signal)
      await until('the report', async () => (/status state=ready/.test(await scene.aim.logs()) ? true : undefined))
      await scene.signal('TERM')
    },
    probes: served,
    exit: 0,
    told: /SIGHUP means nothing here/,
  },
]
