import { type Aim, startAim } from './aim.ts'
import { processesWith } from './left.ts'
import type { Stage } from './model.ts'

/** A running `aim serve` that can be told from all others: `left` is what lives of it, wherever it was reparented to. */
export type QuickAim = Aim & { readonly left: () => readonly string[]; readonly stop: () => Promise<number | string> }

let serial = 0

/** Starts `aim serve` of the stage's model on a simulator that hurries; what `environment` says goes before. */
export const startQuick = async (stage: Stage, environment: Readonly<Record<string, string>> = {}): Promise<QuickAim> => {
  const marker = `${stage.directory}/quick-${serial++}`
  const aim = await startAim({
    environment: {
      AIM_ENGINE: 'simulator',
      AIM_SIMULATOR_SPEED: '40',
      AIM_RESTART_BACKOFF: '10ms',
      AIM_HOST: '127.0.0.1',
      HF_ENDPOINT: stage.hub.url,
      AIM_CACHE_PATH: stage.cache,
      AIM_MODEL_ID: stage.repo,
      // Something of its own that every process of it inherits.
      HF_XET_CACHE: marker,
      ...environment,
    },
  })
  const stop = async (): Promise<number | string> => {
    aim.child.kill('SIGTERM')
    return aim.exited
  }
  return { ...aim, left: () => processesWith('HF_XET_CACHE', marker), stop }
}
