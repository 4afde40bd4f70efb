import type { ScenarioName } from './scenarios.ts'
import type { Shape } from './timeline.ts'

const up = ['spawned', 'ready', 'answered']
const refused = ['refused'] as const
const thawed = ['frozen', 'SIGCONT to core', 'recovered']
const dead = { health: [503, 'refused'], left: [] } as const
/** Its last answers: one to the metrics may not be among them, since the server goes a moment after its core. */
const died = (order: Shape['order']): readonly Shape[] => [
  { order, metrics: [200, 'refused'], ...dead },
  { order, metrics: refused, ...dead },
]

/**
 * What vLLM 0.32.0 was seen to do (CPU build, Debian 12, 2026-11-23), per scenario; where a race decides, each outcome that was seen.
 * Whatever is started in vLLM's place has to show one of them.
 */
export const shapes: Readonly<Record<ScenarioName, readonly Shape[]>> = {
  term_idle: [{ order: [...up, 'SIGTERM to api', 'exited 0'], health: refused, metrics: refused, left: [] }],
  term_stream: [
    { order: [...up, 'SIGTERM to api', 'stream cut', 'exited 0'], health: refused, metrics: refused, left: [] },
    { order: [...up, 'SIGTERM to api', 'stream abandoned', 'exited 0'], health: refused, metrics: refused, left: [] },
  ],
  term_stream_timeout: [
    { order: [...up, 'SIGTERM to api', 'stream whole', 'exited 0'], health: [200, 'refused'], metrics: [200, 'refused'], left: [] },
  ],
  kill_core: died([...up, 'SIGKILL to core', 'exited 0']),
  kill_core_load: died([...up, 'SIGKILL to core', 'stream cut', 'exited 0']),
  kill_worker: died([...up, 'SIGKILL to worker', 'exited 0']),
  stop_core_load: [
    {
      order: [...up, 'SIGSTOP to core', ...thawed, 'stream whole', 'SIGTERM to api', 'exited 0'],
      health: [200, 'refused'],
      metrics: [200, 'refused'],
      frozen: { health: 200, metrics: 200, moves: false, requestAnswered: false, running: 1, waiting: 0 },
      left: [],
    },
  ],
  stop_core_idle: [
    {
      order: [...up, 'SIGSTOP to core', ...thawed, 'SIGTERM to api', 'exited 0'],
      health: [200, 'refused'],
      metrics: [200, 'refused'],
      // Only the API server's own count sees the request that the core never took.
      frozen: { health: 200, metrics: 200, moves: false, requestAnswered: false, running: 0, waiting: 0, load: 1 },
      left: [],
    },
  ],
  kill_api: [
    { order: [...up, 'SIGKILL to api', 'exited SIGKILL'], health: refused, metrics: refused, left: ['VLLM::EngineCor', 'VLLM::Worker'] },
  ],
}
