import { type Api, needEngine, servedName } from './api.ts'
import type { EngineRequest } from './protocol.ts'
import { type Call, engineDead, json, type Reply } from './reply.ts'
import { answerLength, type Body, type Prompt, readModelName, readPrompts } from './requests.ts'

const embedOne = (api: Api, prompt: Prompt, id: string, call: Call): Promise<readonly number[]> =>
  new Promise((resolve, reject) => {
    const request: EngineRequest = {
      id,
      task: 'embed',
      text: prompt.text,
      promptTokens: prompt.tokens,
      maxTokens: 1,
      naturalEnd: undefined,
    }
    const takeBack = api.engine.submit(request, (heard) => (heard === 'dead' ? reject(engineDead()) : resolve(heard.embedding ?? [])))
    call.onGone(() => takeBack('abort'))
  })

const asBase64 = (vector: readonly number[]): string => Buffer.from(Float32Array.from(vector).buffer).toString('base64')

/** Answers `/v1/embeddings`: one vector per input, as numbers or as base64 of little-endian 32-bit floats. */
export const answerEmbeddings = async (api: Api, body: Body, call: Call): Promise<Reply> => {
  const prompts = readPrompts(body.input, 'input')
  const model = servedName(api, readModelName(body))
  needEngine(api)
  for (const prompt of prompts) answerLength({ maxTokens: undefined }, prompt.tokens, api.model.maxLength)
  const id = `embd-${api.newId()}`
  const vectors = await Promise.all(prompts.map((prompt, index) => embedOne(api, prompt, `${id}-${index}`, call)))
  const encode = body.encoding_format === 'base64' ? asBase64 : (vector: readonly number[]) => vector
  const tokens = prompts.reduce((sum, prompt) => sum + prompt.tokens, 0)
  return json(200, {
    id,
    object: 'list',
    created: Math.floor(api.clock.wall() / 1000),
    model,
    data: vectors.map((vector, index) => ({ index, object: 'embedding', embedding: encode(vector) })),
    usage: { prompt_tokens: tokens, total_tokens: tokens, completion_tokens: 0 },
  })
}
