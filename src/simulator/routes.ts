import { type Api, servedName } from './api.ts'
import { answerEmbeddings } from './embeddings.ts'
import { chat, completion } from './flavours.ts'
import { generate } from './generate.ts'
import type { Task } from './model.ts'
import { type Call, errorBody, json, Refusal, type Reply } from './reply.ts'
import { readBody, readChat, readCompletion, readModelName } from './requests.ts'
import { version } from './settings.ts'
import { tokenIds } from './text.ts'

/** One endpoint. */
export type Route = {
  readonly path: string
  readonly methods: readonly string[]
  readonly answer: (api: Api, call: Call) => Reply | Promise<Reply>
  /** Counts for /load. */
  readonly load?: true
  /** Is there only for models that can do this. */
  readonly task?: Task
  /** Is left out of http_requests_total, as vLLM leaves it. */
  readonly unmeasured?: true
}

const health = (api: Api): Reply => {
  if ('health-500' in api.behaviour.faults) return { status: 500, body: 'Internal Server Error', contentType: 'text/plain' }
  return { status: api.engine.isDead() ? 503 : 200, body: '' }
}

const models = (api: Api): Reply => {
  const created = Math.floor(api.clock.wall() / 1000)
  const card = (id: string) => ({
    id,
    object: 'model',
    created,
    owned_by: 'vllm',
    root: api.settings.model,
    parent: null,
    max_model_len: api.model.maxLength,
    permission: [],
  })
  return json(200, { object: 'list', data: api.settings.servedNames.map(card) })
}

const tokenize = (api: Api, call: Call): Reply => {
  const body = readBody(call)
  servedName(api, readModelName(body))
  const text =
    typeof body.prompt === 'string'
      ? body.prompt
      : readChat(body)
          .prompts.map((prompt) => prompt.text)
          .join('\n')
  const tokens = tokenIds(text)
  return json(200, { count: tokens.length, max_model_len: api.model.maxLength, tokens, token_strs: null })
}

const metrics = (api: Api): Reply => ({
  status: 200,
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  body: api.metrics.text(api.readProcess()),
})

// A full inference route that takes either body; the key does not guard it.
const invocations = (api: Api, call: Call): Promise<Reply> => {
  const body = readBody(call)
  return 'messages' in body ? generate(api, chat, readChat(body), call) : generate(api, completion, readCompletion(body), call)
}

/** Every endpoint, in the order of the log. */
export const routes: readonly Route[] = [
  { path: '/load', methods: ['GET'], answer: (api) => json(200, { server_load: api.load() }), unmeasured: true },
  { path: '/version', methods: ['GET'], answer: () => json(200, { version, simulator: true }), unmeasured: true },
  { path: '/health', methods: ['GET'], answer: health, unmeasured: true },
  { path: '/metrics', methods: ['GET'], answer: metrics, unmeasured: true },
  { path: '/tokenize', methods: ['POST'], answer: tokenize },
  { path: '/v1/models', methods: ['GET'], answer: models },
  { path: '/ping', methods: ['GET', 'POST'], answer: health, unmeasured: true },
  { path: '/invocations', methods: ['POST'], answer: invocations, load: true, task: 'generate' },
  {
    path: '/v1/chat/completions',
    methods: ['POST'],
    answer: async (api, call) => generate(api, chat, readChat(readBody(call)), call),
    load: true,
    task: 'generate',
  },
  {
    path: '/v1/completions',
    methods: ['POST'],
    answer: async (api, call) => generate(api, completion, readCompletion(readBody(call)), call),
    load: true,
    task: 'generate',
  },
  {
    path: '/v1/embeddings',
    methods: ['POST'],
    answer: async (api, call) => answerEmbeddings(api, readBody(call), call),
    load: true,
    task: 'embed',
  },
]

/** The endpoints that a model of this task has. */
export const routesOf = (task: Task): readonly Route[] => routes.filter((route) => route.task === undefined || route.task === task)

/** Paths below these need the key; everything else is open. */
const guarded = ['/v1', '/v2', '/inference', '/cohere']

/** Whether a call may pass: no keys are set, the path is open, or the bearer token is one of the keys. */
export const mayPass = (keys: readonly string[], method: string, path: string, authorization: string | undefined): boolean => {
  if (keys.length === 0 || method === 'OPTIONS' || !guarded.some((prefix) => path.startsWith(prefix))) return true
  const token = /^bearer (.+)$/i.exec(authorization ?? '')?.[1]
  return token !== undefined && keys.includes(token)
}

/** The path as the routes know it: a proxy may have left the root path on. */
export const withoutRoot = (path: string, rootPath: string): string =>
  rootPath !== '' && path.startsWith(`${rootPath}/`) ? path.slice(rootPath.length) : path

/** Finds the route and answers; refusals become their JSON. */
export const answer = async (api: Api, call: Call, route: Route | undefined): Promise<Reply> => {
  if (route === undefined) return json(404, { detail: 'Not Found' })
  if (!route.methods.includes(call.method)) return json(405, { detail: 'Method Not Allowed' })
  try {
    return await route.answer(api, call)
  } catch (error) {
    if (error instanceof Refusal) return json(error.status, errorBody(error))
    throw error
  }
}
