import type { Clock } from '../std/clock.ts'
import type { ServerMetrics } from './engine-metrics.ts'
import type { EngineRequest, FinishReason, Output, SchedulerStats, ToCore } from './protocol.ts'

/** What a sequence's owner is told: a step's output, or that the engine is dead. */
export type EngineEvent = Output | 'dead'

/** The API server's side of the engine: who is in flight, and what becomes of them. */
export type Engine = {
  /** Sends a sequence in; gives the way to take it back (the reason is counted). The listener hears nothing after that, nor after a finish. */
  readonly submit: (request: EngineRequest, listener: (event: EngineEvent) => void) => (reason: FinishReason) => void
  /** The core's word. */
  readonly receive: (outputs: readonly Output[], stats: SchedulerStats) => void
  /** Ends everything in flight, and everything that comes later, with `dead`. */
  readonly die: () => void
  readonly isDead: () => boolean
}

type Sequence = {
  readonly request: EngineRequest
  readonly listener: (event: EngineEvent) => void
  readonly arrived: number
  last: number
  generated: number
}

/** An engine whose core is reached by `send`. */
export const createEngine = (send: (message: ToCore) => void, metrics: ServerMetrics, clock: Clock): Engine => {
  const inFlight = new Map<string, Sequence>()
  let dead = false
  const settle = (sequence: Sequence, reason: FinishReason): void => {
    inFlight.delete(sequence.request.id)
    metrics.finished(reason, sequence.request.promptTokens, sequence.generated, (clock.now() - sequence.arrived) / 1000)
  }
  const hand = (output: Output): void => {
    const sequence = inFlight.get(output.id)
    if (sequence === undefined) return
    if (output.finish !== 'abort') {
      const now = clock.now()
      metrics.token(sequence.generated === 0, (now - sequence.last) / 1000)
      sequence.last = now
      sequence.generated += 1
    }
    if (output.finish !== undefined) settle(sequence, output.finish)
    sequence.listener(output)
  }
  return {
    submit: (request, listener) => {
      const now = clock.now()
      const sequence: Sequence = { request, listener, arrived: now, last: now, generated: 0 }
      inFlight.set(request.id, sequence)
      send({ type: 'add', request })
      return (reason) => {
        if (!inFlight.has(request.id)) return
        settle(sequence, reason)
        send({ type: 'abort', ids: [request.id] })
      }
    },
    receive: (outputs, stats) => {
      metrics.scheduled(stats)
      for (const output of outputs) hand(output)
    },
    die: () => {
      dead = true
      for (const sequence of [...inFlight.values()]) {
        inFlight.delete(sequence.request.id)
        sequence.listener('dead')
      }
    },
    isDead: () => dead,
  }
}
