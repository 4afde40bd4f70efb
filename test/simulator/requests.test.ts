import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Refusal } from '../../src/simulator/reply.ts'
import { answerLength, type Body, type GenerationRequest, readBody, readChat, readCompletion } from '../../src/simulator/requests.ts'

const message = { role: 'user', content: 'hello there' }

const completions: readonly (readonly [string, Body, Partial<GenerationRequest>])[] = [
  ['16 tokens unless told', { prompt: 'a b' }, { maxTokens: 16, prompts: [{ text: 'a b', tokens: 2 }] }],
  ['token ids', { prompt: [1, 2, 3] }, { prompts: [{ text: '1 2 3', tokens: 3 }] }],
  [
    'several prompts',
    { prompt: ['a', 'b c'] },
    {
      prompts: [
        { text: 'a', tokens: 1 },
        { text: 'b c', tokens: 2 },
      ],
    },
  ],
  ['one stop string', { prompt: 'a', stop: 'x' }, { stops: ['x'] }],
  ['usage in a stream', { prompt: 'a', stream: true, stream_options: { include_usage: true } }, { stream: true, includeUsage: true }],
]

const chats: readonly (readonly [string, Body, Partial<GenerationRequest>])[] = [
  ['no limit unless told', { messages: [message] }, { maxTokens: undefined }],
  ['the newer name of the limit', { messages: [message], max_completion_tokens: 3, max_tokens: 5 }, { maxTokens: 3 }],
  [
    'content in parts',
    { messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }] },
    { prompts: [{ text: 'user: hi', tokens: 2 }] },
  ],
]

const refused: readonly (readonly [string, () => unknown, string, string | null])[] = [
  ['a completion without a prompt', () => readCompletion({}), 'BadRequestError', 'prompt'],
  ['a prompt that is a number', () => readCompletion({ prompt: 5 }), 'Bad Request', 'body.prompt'],
  ['max_tokens below 1', () => readCompletion({ prompt: 'a', max_tokens: -1 }), 'BadRequestError', 'max_tokens'],
  ['max_tokens in words', () => readCompletion({ prompt: 'a', max_tokens: 'x' }), 'Bad Request', 'body.max_tokens'],
  ['a chat without messages', () => readChat({}), 'Bad Request', 'body.messages'],
  ['a message without a role', () => readChat({ messages: [{}] }), 'Bad Request', 'body.messages'],
  ['a limit above the model', () => answerLength({ maxTokens: 200 }, 1, 100), 'BadRequestError', 'max_tokens'],
  ['a prompt above the model', () => answerLength({ maxTokens: 5 }, 100, 100), 'BadRequestError', 'input_tokens'],
]

const call = (body: string, contentType?: string) => ({ method: 'POST', path: '/', contentType, body, onGone: () => undefined })

describe('requests', () => {
  for (const [what, body, expected] of completions)
    it(`readCompletion() takes ${what}`, () => assert.partialDeepStrictEqual(readCompletion(body), expected))
  for (const [what, body, expected] of chats) it(`readChat() takes ${what}`, () => assert.partialDeepStrictEqual(readChat(body), expected))
  for (const [what, run, type, param] of refused)
    it(`${what} is refused with 400`, () => {
      assert.throws(run, (error) => error instanceof Refusal && error.status === 400 && error.type === type && error.param === param)
    })
  it('answerLength() ends where the model does', () => {
    assert.deepEqual([answerLength({ maxTokens: undefined }, 10, 100), answerLength({ maxTokens: 99 }, 10, 100)], [90, 90])
  })
  it('readBody() refuses other media types and broken JSON', () => {
    assert.throws(() => readBody(call('{}')), /Unsupported Media Type/)
    assert.throws(() => readBody(call('{', 'application/json')), /json_invalid/)
    assert.throws(() => readBody(call('[]', 'application/json; charset=utf-8')), /dictionary/)
    assert.deepEqual(readBody(call('{"a":1}', 'application/json')), { a: 1 })
  })
})
