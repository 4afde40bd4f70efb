import type { Clock } from '../std/clock.ts'
import type { Engine } from './engine.ts'
import type { ServerMetrics } from './engine-metrics.ts'
import type { Model } from './model.ts'
import { engineDead, Refusal } from './reply.ts'
import type { ServeSettings } from './settings.ts'
import type { Behaviour } from './variables.ts'

/** What the handlers answer from. */
export type Api = {
  readonly settings: ServeSettings
  readonly behaviour: Behaviour
  readonly model: Model
  readonly engine: Engine
  readonly metrics: ServerMetrics
  readonly clock: Clock
  /** 16 new hexadecimal digits. */
  readonly newId: () => string
  /** Figures of the process for /metrics. */
  readonly readProcess: () => Readonly<Record<string, number>>
  /** Requests in flight at the routes that count as load; 0 unless load tracking is on. */
  readonly load: () => number
  /** Whether SIGTERM has come and cut everything off. */
  readonly isStopping: () => boolean
}

/** The name to answer under; refuses one that is not served. */
export const servedName = (api: Api, asked: string | undefined): string => {
  const [first = api.settings.model] = api.settings.servedNames
  if (asked === undefined || asked === '') return first
  if (api.settings.servedNames.includes(asked)) return asked
  const valid = api.settings.servedNames.join(', ')
  throw new Refusal(404, 'NotFoundError', `The model \`${asked}\` does not exist. Valid aliases: ${valid}.`, 'model')
}

/** Refuses when there is no engine to send a request to. */
export const needEngine = (api: Api): void => {
  if (api.isStopping()) throw new Refusal(500, 'InternalServerError', 'cannot schedule new futures after shutdown')
  if (api.engine.isDead()) throw engineDead()
}
