import { isRecord } from '../std/json.ts'
import { type Call, Refusal } from './reply.ts'
import { tokenIds } from './text.ts'

/** One prompt: its words if it came as text, and how many tokens it has. */
export type Prompt = { readonly text: string; readonly tokens: number }

/** What a request for generated text asks, whichever endpoint it came by. */
export type GenerationRequest = {
  readonly model: string | undefined
  readonly prompts: readonly Prompt[]
  readonly n: number
  /** Undefined when the answer may end by itself. */
  readonly maxTokens: number | undefined
  readonly ignoreEos: boolean
  readonly stops: readonly string[]
  readonly stream: boolean
  readonly includeUsage: boolean
}

/** A JSON object's fields. */
export type Body = Readonly<Record<string, unknown>>

const invalid = (type: string, param: string, sentence: string): Refusal =>
  new Refusal(400, 'Bad Request', `1 validation error:\n  {'type': '${type}', 'loc': '${param}', 'msg': '${sentence}'}`, param)

const badValue = (param: string, sentence: string): Refusal =>
  new Refusal(400, 'BadRequestError', `${sentence} (parameter=${param})`, param)

/** The body of a call as a JSON object; refuses other media types and broken JSON as vLLM's validation does. */
export const readBody = (call: Call): Body => {
  if (!/^application\/(.+\+)?json/.test(call.contentType ?? ''))
    throw new Refusal(400, 'Bad Request', "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed")
  let value: unknown
  try {
    value = JSON.parse(call.body)
  } catch {
    throw invalid('json_invalid', 'body', 'JSON decode error')
  }
  if (!isRecord(value)) throw invalid('model_attributes_type', 'body', 'Input should be a valid dictionary')
  return value
}

const prompt = (text: string): Prompt => ({ text, tokens: Math.max(1, tokenIds(text).length) })

const areTokens = (values: readonly unknown[]): boolean => values.every((entry) => typeof entry === 'number')

/** One prompt or several, each as text or as token ids. */
export const readPrompts = (value: unknown, param: string): readonly Prompt[] => {
  if (typeof value === 'string') return [prompt(value)]
  if (!Array.isArray(value)) throw invalid('string_type', `body.${param}`, 'Input should be a valid string')
  if (areTokens(value)) return [{ text: value.join(' '), tokens: value.length }]
  return value.flatMap((entry) => readPrompts(entry, param))
}

const partText = (part: unknown): string => (isRecord(part) && typeof part.text === 'string' ? part.text : '')

const contentText = (content: unknown): string => {
  if (Array.isArray(content)) return content.map(partText).join(' ')
  return typeof content === 'string' ? content : ''
}

const readMessages = (body: Body): readonly Prompt[] => {
  if (body.messages === undefined) throw invalid('missing', 'body.messages', 'Field required')
  if (!Array.isArray(body.messages)) throw invalid('list_type', 'body.messages', 'Input should be a valid list')
  const lines = body.messages.map((message) => {
    if (!isRecord(message) || typeof message.role !== 'string') throw invalid('missing', 'body.messages', 'Field required: role')
    return `${message.role}: ${contentText(message.content)}`
  })
  if (lines.length === 0) throw badValue('messages', 'At least one message is needed.')
  return [prompt(lines.join('\n'))]
}

const positive = (body: Body, name: string): number | undefined => {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value)) throw invalid('int_parsing', `body.${name}`, 'Input should be a valid integer')
  if (value < 1) throw badValue(name, `${name} must be at least 1, got ${value}.`)
  return value
}

const readStops = (value: unknown): readonly string[] => {
  const stops = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]
  if (!stops.every((stop) => typeof stop === 'string')) throw invalid('string_type', 'body.stop', 'Input should be a valid string')
  return stops.filter((stop) => stop !== '')
}

/** The model a body names, if it names one. */
export const readModelName = (body: Body): string | undefined => (typeof body.model === 'string' ? body.model : undefined)

const rest = (body: Body) => ({
  model: readModelName(body),
  n: positive(body, 'n') ?? 1,
  ignoreEos: body.ignore_eos === true,
  stops: readStops(body.stop),
  stream: body.stream === true,
  includeUsage: isRecord(body.stream_options) && body.stream_options.include_usage === true,
})

/** Tokens of a completion that does not say how many, as in OpenAI's and vLLM's API. */
const defaultMaxTokens = 16

/** Reads the body of `/v1/completions`. */
export const readCompletion = (body: Body): GenerationRequest => {
  if (body.prompt === undefined || body.prompt === null || body.prompt === '' || (Array.isArray(body.prompt) && body.prompt.length === 0))
    throw badValue('prompt', 'Either prompt or prompt_embeds must be provided and non-empty.')
  return { ...rest(body), prompts: readPrompts(body.prompt, 'prompt'), maxTokens: positive(body, 'max_tokens') ?? defaultMaxTokens }
}

/** Reads the body of `/v1/chat/completions`. */
export const readChat = (body: Body): GenerationRequest => ({
  ...rest(body),
  prompts: readMessages(body),
  maxTokens: positive(body, 'max_completion_tokens') ?? positive(body, 'max_tokens'),
})

/** How many tokens one answer to this prompt may have; refuses what cannot fit into the model's length. */
export const answerLength = (request: Pick<GenerationRequest, 'maxTokens'>, tokens: number, maxLength: number): number => {
  const wanted = request.maxTokens
  if (wanted !== undefined && wanted > maxLength)
    throw badValue('max_tokens', `max_tokens=${wanted} cannot be greater than max_model_len=${maxLength}. Ask for fewer.`)
  if (tokens >= maxLength)
    throw badValue('input_tokens', `This model's maximum context length is ${maxLength} tokens; the input alone has ${tokens}.`)
  return Math.min(wanted ?? maxLength, maxLength - tokens)
}
