import type { Task } from './model.ts'

/** What the engine's processes are told at their start. */
export type EngineSettings = {
  /** Directory of the model. */
  readonly model: string
  readonly task: Task
  readonly dimensions: number
  readonly maxLength: number
  readonly maxNumSeqs: number
  readonly tensorParallelSize: number
  readonly enforceEager: boolean
  /** Seconds; above 0 the core drains at SIGTERM. */
  readonly shutdownTimeout: number
}

/** One sequence to work on: one choice of one prompt. */
export type EngineRequest = {
  readonly id: string
  readonly task: Task
  /** The prompt's text, from which an embedding is made; empty when the request generates. */
  readonly text: string
  readonly promptTokens: number
  readonly maxTokens: number
  /** Tokens after which the answer ends by itself; undefined when only `maxTokens` ends it. */
  readonly naturalEnd: number | undefined
}

/** Why a sequence ended. */
export type FinishReason = 'stop' | 'length' | 'abort' | 'error'

/** What one step gave one sequence. */
export type Output = {
  readonly id: string
  readonly text: string
  readonly embedding?: readonly number[]
  readonly finish?: FinishReason
}

/** What the scheduler says after a step; only the core knows it. */
export type SchedulerStats = {
  readonly running: number
  readonly waiting: number
  /** 0 to 1. */
  readonly kvUsage: number
  /** Tokens taken in and given out by the step; both 0 when there was no step. */
  readonly promptTokens: number
  readonly generationTokens: number
}

/** From the API server to the engine core. */
export type ToCore =
  | { readonly type: 'start'; readonly settings: EngineSettings }
  | { readonly type: 'add'; readonly request: EngineRequest }
  | { readonly type: 'abort'; readonly ids: readonly string[] }

/** From the engine core to the API server. `workers` are process ids. */
export type FromCore =
  | { readonly type: 'ready'; readonly workers: readonly number[] }
  | { readonly type: 'outputs'; readonly outputs: readonly Output[]; readonly stats: SchedulerStats }

/** One sequence's part in a step: how many tokens it has got so far. */
export type StepItem = { readonly id: string; readonly task: Task; readonly text: string; readonly index: number }

/** From the engine core to a worker. `load`, `profile` and `capture` are answered with `done`. */
export type ToWorker =
  | { readonly type: 'load'; readonly settings: EngineSettings; readonly rank: number }
  | { readonly type: 'profile' }
  | { readonly type: 'capture' }
  | { readonly type: 'step'; readonly step: number; readonly items: readonly StepItem[] }

/** One sequence's part in a step's result. */
export type StepResult = { readonly id: string; readonly text: string; readonly embedding?: readonly number[] }

/** From a worker to the engine core. */
export type FromWorker =
  | { readonly type: 'done' }
  | { readonly type: 'stepped'; readonly step: number; readonly results: readonly StepResult[] }
