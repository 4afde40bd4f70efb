import { isRecord, type Json } from '../std/json.ts'
import type { WarmUp } from './adapter.ts'

/** Any text will do; it must only make the model work. */
const prompt = 'Hello'

/** The smallest request of each task whose answer proves that the model computed something (routes of vLLM 0.32's OpenAI server). */
export const warmUp = (task: string, model: string): WarmUp => {
  const requests: Readonly<Record<string, { path: string; body: Json; check: (body: unknown) => string | undefined }>> = {
    generate: { path: '/v1/completions', body: { model, prompt, max_tokens: 1, temperature: 0 }, check: hasToken },
    embed: { path: '/v1/embeddings', body: { model, input: prompt }, check: hasNumbers('embedding') },
    classify: { path: '/classify', body: { model, input: prompt }, check: hasNumbers('probs') },
    score: { path: '/score', body: { model, text_1: prompt, text_2: prompt }, check: hasScore },
  }
  return requests[task] ?? (requests.generate as WarmUp)
}

/** `usage` and not the text is what counts: a token can be a piece of a character, and its text empty. */
const hasToken = (body: unknown): string | undefined => {
  const usage = isRecord(body) ? body.usage : undefined
  const tokens = isRecord(usage) ? usage.completion_tokens : undefined
  return typeof tokens === 'number' && tokens >= 1 ? undefined : 'the answer holds no token (usage.completion_tokens is not at least 1)'
}

const first = (body: unknown): unknown => (isRecord(body) && Array.isArray(body.data) ? body.data[0] : undefined)

const hasNumbers =
  (field: string) =>
  (body: unknown): string | undefined => {
    const item = first(body)
    const numbers = isRecord(item) ? item[field] : undefined
    return Array.isArray(numbers) && numbers.length > 0 && numbers.every(Number.isFinite)
      ? undefined
      : `the answer holds no numbers in data[0].${field}`
  }

const hasScore = (body: unknown): string | undefined => {
  const item = first(body)
  return isRecord(item) && Number.isFinite(item.score) ? undefined : 'the answer holds no number in data[0].score'
}
