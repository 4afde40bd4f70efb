import type { EngineRequest, FinishReason, Output, SchedulerStats, StepItem, StepResult } from './protocol.ts'

/** A sequence in the batch and how many tokens it has got. */
export type Running = { readonly request: EngineRequest; readonly generated: number }

/** The core's whole state: who waits, who is in the batch. */
export type Batch = { readonly waiting: readonly EngineRequest[]; readonly running: readonly Running[] }

/** What bounds a batch: sequences, and tokens in the KV cache. */
export type Limits = { readonly maxNumSeqs: number; readonly kvTokens: number }

/** Nobody waits, nobody runs. */
export const emptyBatch: Batch = { waiting: [], running: [] }

/** Nothing to step for. */
export const isIdle = (batch: Batch): boolean => batch.waiting.length === 0 && batch.running.length === 0

const held = (running: readonly Running[]): number => running.reduce((sum, entry) => sum + entry.request.promptTokens + entry.generated, 0)

// First come, first served: one that does not fit holds back those behind it. An empty batch takes anything, or it would wait for ever.
const fits = (running: readonly Running[], next: EngineRequest, limits: Limits): boolean =>
  running.length === 0 || (running.length < limits.maxNumSeqs && held(running) + next.promptTokens <= limits.kvTokens)

/** Moves from the queue into the batch what fits. */
export const admit = (batch: Batch, limits: Limits): Batch => {
  const running = [...batch.running]
  const waiting = [...batch.waiting]
  for (let next = waiting[0]; next !== undefined && fits(running, next, limits); next = waiting[0]) {
    running.push({ request: next, generated: 0 })
    waiting.shift()
  }
  return { waiting, running }
}

/** What the workers are asked for in the next step. */
export const stepItems = (batch: Batch): readonly StepItem[] =>
  batch.running.map(({ request, generated }) => ({ id: request.id, task: request.task, text: request.text, index: generated }))

/** Without the sequences of these ids. */
export const without = (batch: Batch, ids: readonly string[]): Batch => ({
  waiting: batch.waiting.filter((request) => !ids.includes(request.id)),
  running: batch.running.filter((entry) => !ids.includes(entry.request.id)),
})

const finishOf = ({ request, generated }: Running): FinishReason | undefined => {
  if (request.task !== 'generate' || generated === request.naturalEnd) return 'stop'
  return generated >= request.maxTokens ? 'length' : undefined
}

/** The figures for a batch that has just taken in and given out these many tokens. */
export const statsOf = (batch: Batch, limits: Limits, promptTokens = 0, generationTokens = 0): SchedulerStats => ({
  running: batch.running.length,
  waiting: batch.waiting.length,
  kvUsage: Math.min(1, held(batch.running) / limits.kvTokens),
  promptTokens,
  generationTokens,
})

/** Gives the step's tokens to their sequences, and lets go of those that are finished. */
export const applyStep = (
  batch: Batch,
  results: readonly StepResult[],
  limits: Limits,
): { readonly batch: Batch; readonly outputs: readonly Output[]; readonly stats: SchedulerStats } => {
  const byId = new Map(results.map((result) => [result.id, result]))
  const stepped = batch.running.map((entry) => ({ request: entry.request, generated: entry.generated + 1 }))
  const outputs = stepped.map((entry): Output => {
    const { text = '', embedding } = byId.get(entry.request.id) ?? {}
    const finish = finishOf(entry)
    return { id: entry.request.id, text, ...(embedding && { embedding }), ...(finish && { finish }) }
  })
  const next = { waiting: batch.waiting, running: stepped.filter((entry) => finishOf(entry) === undefined) }
  const prompts = stepped.filter((entry) => entry.generated === 1).reduce((sum, entry) => sum + entry.request.promptTokens, 0)
  const generated = stepped.filter((entry) => entry.request.task === 'generate').length
  return { batch: next, outputs, stats: statsOf(next, limits, prompts, generated) }
}
