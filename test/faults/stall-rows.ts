import { docker } from '../stage/docker.ts'
import { until } from '../stage/until.ts'
import type { Row } from './row.ts'
import type { Part, Scene } from './scene.ts'

/** Stops a part of a ready engine while a stream runs, and waits for the next engine. */
const hang =
  (part: Part, signal: NodeJS.Signals) =>
  async (scene: Scene): Promise<void> => {
    await scene.ready()
    const streamed = scene.stream(2000)
    await scene.hit(part, signal)
    await scene.restarted()
    await streamed.catch(() => undefined)
    await scene.signal('TERM')
  }

/** The same without a request. */
const hangIdle =
  (part: Part) =>
  async (scene: Scene): Promise<void> => {
    await scene.ready()
    await scene.hit(part, 'SIGSTOP')
    await scene.restarted()
    await scene.signal('TERM')
  }

const impatient = { AIM_STALL_TIMEOUT: '2s', AIM_STOP_TIMEOUT: '1s', AIM_SIMULATOR_TOKEN_MS: '20' }
const watched = { ...impatient, AIM_CANARY_INTERVAL: '1s' }
const twice = 'loading ready down ready (down)'
const stalled = { probes: twice, restarts: 1, exit: 0, told: /stood still/ } as const

/** An engine that stands still while everything of it answers, and what only looks like it. */
export const stallRows: readonly Row[] = [
  { fault: 'the core is frozen under load: found, a new engine', environment: impatient, act: hang('core', 'SIGSTOP'), ...stalled },
  { fault: 'a worker is frozen under load: found, a new engine', environment: impatient, act: hang('worker', 'SIGSTOP'), ...stalled },
  {
    fault: 'a worker faults under load and stays: found, a new engine',
    environment: impatient,
    act: hang('worker', 'SIGSEGV'),
    ...stalled,
  },
  { fault: 'the core is frozen while idle: a canary finds it', environment: watched, act: hangIdle('core'), ...stalled },
  { fault: 'a worker is frozen while idle: a canary finds it', environment: watched, act: hangIdle('worker'), ...stalled },
  {
    fault: 'the core is frozen and AIM_STALL_ACTION=report: live no more, until it goes on',
    environment: { ...watched, AIM_STALL_ACTION: 'report' },
    act: async (scene) => {
      await scene.ready()
      await scene.hit('core', 'SIGSTOP')
      await until('stalled, as seen by the watch', () => (scene.seen.answers.at(-1) === 'stalled' ? true : undefined))
      await scene.hit('core', 'SIGCONT')
      await scene.ready()
      await scene.signal('TERM')
    },
    probes: 'loading ready (down) stalled (down) ready (down)',
    exit: 0,
  },
  {
    fault: 'the container is paused for longer than AIM_STALL_TIMEOUT under load: no stall',
    environment: impatient,
    act: async (scene) => {
      await scene.ready()
      const streamed = scene.stream(300)
      await scene.pause()
      const before = performance.now()
      await until('longer than the timeout', () => (performance.now() - before > 3000 ? true : undefined))
      await docker('unpause', scene.aim.id)
      const { tokens } = await streamed
      if (tokens !== 300) throw new Error(`the stream ended after ${tokens} of 300 tokens`)
      await scene.signal('TERM')
    },
    probes: 'loading ready (mute) (ready) (down)',
    exit: 0,
  },
]
