/** A stream of completions, read to its end. */
export type Streamed = {
  readonly status: number
  readonly chunks: number
  readonly done: boolean
  readonly tokens: number | undefined
  readonly error: string | undefined
}

/** Asks for `tokens` tokens as a stream; `onFirst` is called when the first chunk is there. */
export const stream = async (base: string, model: string, tokens: number, onFirst: () => void = () => undefined): Promise<Streamed> => {
  const body = { model, prompt: 'Hello', max_tokens: tokens, stream: true, ignore_eos: true, stream_options: { include_usage: true } }
  const response = await fetch(`${base}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  let text = ''
  let error: string | undefined
  try {
    for await (const piece of (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream())) {
      if (text === '') onFirst()
      text += piece
    }
  } catch (caught) {
    error = String(caught)
  }
  const chunks = text.split('\n\n').filter((chunk) => chunk.startsWith('data: {'))
  const usage = chunks
    .map((chunk) => (JSON.parse(chunk.slice(6)) as { usage?: { completion_tokens?: number } }).usage?.completion_tokens)
    .findLast((count) => count !== undefined)
  return { status: response.status, chunks: chunks.length, done: text.includes('data: [DONE]'), tokens: usage, error }
}

/** One chat answer. */
export const chat = async (base: string, model: string): Promise<{ readonly status: number; readonly tokens: number | undefined }> => {
  const body = { model, max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] }
  const response = await fetch(`${base}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = (await response.json()) as { usage?: { completion_tokens?: number } }
  return { status: response.status, tokens: answer.usage?.completion_tokens }
}
