import type { FinishReason } from './protocol.ts'

/** How one of the two generating endpoints words its answers. */
export type Flavour = {
  readonly idPrefix: string
  readonly object: string
  readonly chunkObject: string
  /** What the stream opens with, per choice. */
  readonly opening: (index: number) => object | undefined
  readonly chunk: (index: number, text: string, finish: FinishReason | null, stop: string | null) => object
  readonly choice: (index: number, text: string, finish: FinishReason | null, stop: string | null) => object
}

/** `/v1/completions`. */
export const completion: Flavour = {
  idPrefix: 'cmpl-',
  object: 'text_completion',
  chunkObject: 'text_completion',
  opening: () => undefined,
  chunk: (index, text, finish, stop) => ({ index, text, logprobs: null, finish_reason: finish, stop_reason: stop, token_ids: null }),
  choice: (index, text, finish, stop) => ({ index, text, logprobs: null, finish_reason: finish, stop_reason: stop, token_ids: null }),
}

/** `/v1/chat/completions`. */
export const chat: Flavour = {
  idPrefix: 'chatcmpl-',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  opening: (index) => ({ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }),
  chunk: (index, text, finish, stop) => ({
    index,
    delta: { content: text },
    logprobs: null,
    finish_reason: finish,
    ...(finish === null ? {} : { stop_reason: stop }),
    token_ids: null,
  }),
  choice: (index, text, finish, stop) => ({
    index,
    message: { role: 'assistant', content: text, refusal: null, reasoning: null },
    logprobs: null,
    finish_reason: finish,
    stop_reason: stop,
    token_ids: null,
  }),
}
