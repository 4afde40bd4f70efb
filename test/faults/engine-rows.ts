import assert from 'node:assert/strict'
import { get } from '../stage/aim.ts'
import { until } from '../stage/until.ts'
import type { Row } from './row.ts'
import type { Part, Scene } from './scene.ts'

/** Kills a part of a ready engine, waits for the next one and ends. */
const strike =
  (part: Part, signal: NodeJS.Signals) =>
  async (scene: Scene): Promise<void> => {
    await scene.ready()
    await scene.hit(part, signal)
    await scene.restarted()
    await scene.signal('TERM')
  }

/** The same before it was ready. */
const strikeLoading =
  (part: Part) =>
  async (scene: Scene): Promise<void> => {
    await scene.hit(part, 'SIGKILL')
    await scene.restarted()
    await scene.signal('TERM')
  }

/** Nothing is done until it is ready again by itself. */
const comesBack = async (scene: Scene): Promise<void> => {
  await scene.restarted()
  await scene.signal('TERM')
}

const twice = 'loading ready down ready (down)'

/** What happens to the engine's processes while it should run. */
export const engineRows: readonly Row[] = [
  {
    fault: 'the core is killed: a new engine',
    act: strike('core', 'SIGKILL'),
    probes: twice,
    restarts: 1,
    exit: 0,
    cause: 'engine-core-died',
  },
  {
    fault: 'a worker is killed: a new engine',
    act: strike('worker', 'SIGKILL'),
    probes: twice,
    restarts: 1,
    exit: 0,
    cause: 'worker-died',
  },
  {
    fault: 'the API server is killed: core and worker, which would live on, are swept',
    act: strike('server', 'SIGKILL'),
    probes: twice,
    restarts: 1,
    exit: 0,
    told: /was ended by SIGKILL/,
  },
  { fault: 'the API server faults', act: strike('server', 'SIGSEGV'), probes: twice, restarts: 1, exit: 0, told: /was ended by SIGSEGV/ },
  { fault: 'the core aborts', act: strike('core', 'SIGABRT'), probes: twice, restarts: 1, exit: 0, cause: 'engine-core-died' },
  {
    fault: 'somebody else stops the engine, which exits with 0: that was not asked for',
    act: strike('server', 'SIGTERM'),
    probes: twice,
    restarts: 1,
    exit: 0,
    told: /exited with code 0 without being asked to/,
  },
  { fault: 'the API server is killed while it loads', act: strikeLoading('server'), probes: 'loading ready (down)', restarts: 1, exit: 0 },
  { fault: 'the core is killed while it loads', act: strikeLoading('core'), probes: 'loading ready (down)', restarts: 1, exit: 0 },
  { fault: 'a worker is killed while it loads', act: strikeLoading('worker'), probes: 'loading ready (down)', restarts: 1, exit: 0 },
  {
    fault: 'workers in sessions of their own outlive the API server: swept before the next engine',
    environment: { AIM_SIMULATOR_FAULT: 'setsid-workers' },
    act: strike('server', 'SIGKILL'),
    probes: twice,
    restarts: 1,
    exit: 0,
  },
  {
    fault: 'a double fork has left the session and lost its parent: swept before the next engine',
    environment: { AIM_SIMULATOR_FAULT: 'double-fork' },
    act: strike('core', 'SIGKILL'),
    probes: twice,
    restarts: 1,
    exit: 0,
  },
  {
    fault: 'workers in sessions of their own below --init, where we are not PID 1: swept just so',
    words: ['--init'],
    environment: { AIM_SIMULATOR_FAULT: 'setsid-workers' },
    act: async (scene) => {
      await scene.ready()
      assert.notEqual((await scene.aim.exec('pgrep', '-o', '-f', 'aim.js serve')).trim(), '1')
      await scene.aim.exec('bash', '-c', 'kill -KILL $(pgrep -o -f "simulator serve")')
      await scene.restarted()
      assert.equal((await scene.tree()).filter(({ name }) => name.startsWith('VLLM::Worker')).length, 1)
      await scene.signal('TERM')
    },
    probes: twice,
    restarts: 1,
    exit: 0,
  },
  {
    fault: '500 orphans end at once: no zombie stays',
    environment: { AIM_SIMULATOR_FAULT: 'orphans=500' },
    act: async (scene) => {
      await scene.ready()
      await until('500 reaped', async () => {
        const { body } = await get(`${scene.aim.ops}/metrics`)
        return Number(/^aim_reaped_processes_total (\d+)/m.exec(body)?.[1]) >= 500 ? true : undefined
      })
      assert.deepEqual(
        (await scene.tree()).filter(({ state }) => state === 'Z'),
        [],
      )
      await scene.signal('TERM')
    },
    probes: 'loading ready (down)',
    exit: 0,
  },
  {
    fault: 'it exits by itself with 0: started again',
    environment: { AIM_SIMULATOR_FAULT: 'exit-after-ready=4', AIM_SIMULATOR_EXIT_CODE: '0' },
    act: comesBack,
    probes: twice,
    restarts: 1,
    exit: 0,
  },
  {
    fault: 'it exits by itself with 0 under AIM_RESTART=on-failure: the container ends with 1',
    environment: { AIM_RESTART: 'on-failure', AIM_SIMULATOR_FAULT: 'exit-after-ready=4', AIM_SIMULATOR_EXIT_CODE: '0' },
    probes: 'loading ready (down)',
    exit: 1,
    says: /exited with code 0 without being asked to/,
  },
  {
    fault: 'it exits by itself with 3 under AIM_RESTART=on-failure: started again',
    environment: { AIM_RESTART: 'on-failure', AIM_SIMULATOR_FAULT: 'exit-after-ready=4', AIM_SIMULATOR_EXIT_CODE: '3' },
    act: comesBack,
    probes: twice,
    restarts: 1,
    exit: 0,
  },
  {
    fault: 'it exits by itself with 7 under AIM_RESTART=never: the container ends with 7',
    environment: { AIM_RESTART: 'never', AIM_SIMULATOR_FAULT: 'exit-after-ready=4', AIM_SIMULATOR_EXIT_CODE: '7' },
    probes: 'loading ready (down)',
    exit: 7,
    says: /\(the engine's\)/,
  },
  {
    fault: 'its core dies under AIM_RESTART=never: its 0 becomes 1 and the core is named',
    environment: { AIM_RESTART: 'never', AIM_SIMULATOR_FAULT: 'core-dies=4' },
    probes: 'loading ready (down)',
    exit: 1,
    cause: 'engine-core-died',
    says: /engine core died/,
  },
  {
    fault: 'it is killed under AIM_RESTART=never: 128 + 9',
    environment: { AIM_RESTART: 'never' },
    act: async (scene) => {
      await scene.ready()
      await scene.hit('server', 'SIGKILL')
    },
    probes: 'loading ready (down)',
    exit: 137,
    says: /SIGKILL/,
  },
  {
    fault: 'it faults under AIM_RESTART=never: 128 + 11',
    environment: { AIM_RESTART: 'never' },
    act: async (scene) => {
      await scene.ready()
      await scene.hit('server', 'SIGSEGV')
    },
    probes: 'loading ready (down)',
    exit: 139,
    says: /SIGSEGV/,
  },
  {
    fault: 'its core dies again and again: after two restarts the budget is spent',
    environment: { AIM_RESTART_INTENSITY: '2', AIM_SIMULATOR_FAULT: 'core-dies=4' },
    probes: 'loading ready down ready down ready (down)',
    restarts: 2,
    exit: 1,
    says: /engine core died/,
  },
  {
    fault: 'it crashes at load again and again without a known cause: the budget ends it with its code',
    environment: { AIM_RESTART_INTENSITY: '1', AIM_SIMULATOR_FAULT: 'crash-at-load', AIM_SIMULATOR_EXIT_CODE: '9' },
    probes: 'loading',
    restarts: 1,
    exit: 9,
    says: /./,
  },
  {
    fault: 'the API server is frozen and thawed: not ready meanwhile, the same engine afterwards',
    act: async (scene) => {
      await scene.ready()
      await scene.hit('server', 'SIGSTOP')
      await scene.aim.until('unready')
      await scene.hit('server', 'SIGCONT')
      await scene.ready()
      await scene.signal('TERM')
    },
    probes: twice,
    exit: 0,
  },
]
