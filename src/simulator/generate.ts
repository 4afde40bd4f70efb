import { type Api, needEngine, servedName } from './api.ts'
import type { EngineEvent } from './engine.ts'
import type { Flavour } from './flavours.ts'
import type { EngineRequest, FinishReason, Output } from './protocol.ts'
import { type Call, done, engineDead, errorBody, event, json, type Reply, type Sink } from './reply.ts'
import { answerLength, type GenerationRequest } from './requests.ts'
import { version } from './settings.ts'
import { createStopFilter, type StopFilter } from './stop.ts'
import { naturalLength } from './text.ts'

/** One choice while it grows. */
type Choice = {
  readonly index: number
  readonly request: EngineRequest
  readonly filter: StopFilter
  text: string
  tokens: number
  finish: FinishReason | null
  stop: string | null
}

/** What happens while the choices grow. */
type Watcher = { readonly grown: (choice: Choice, bit: string) => void; readonly finished: () => void; readonly died: () => void }

const choicesOf = (api: Api, request: GenerationRequest, id: string): readonly Choice[] =>
  request.prompts.flatMap((prompt, promptIndex) =>
    Array.from({ length: request.n }, (_, copy): Choice => {
      const index = promptIndex * request.n + copy
      const engineRequest: EngineRequest = {
        id: `${id}-${index}`,
        task: 'generate',
        text: '',
        promptTokens: prompt.tokens,
        maxTokens: answerLength(request, prompt.tokens, api.model.maxLength),
        naturalEnd: request.maxTokens === undefined && !request.ignoreEos ? naturalLength : undefined,
      }
      return { index, request: engineRequest, filter: createStopFilter(request.stops), text: '', tokens: 0, finish: null, stop: null }
    }),
  )

const grow = (choice: Choice, output: Output): string => {
  const { text, stop } = choice.filter.push(output.text, output.finish !== undefined)
  if (output.finish !== 'abort') choice.tokens += 1
  choice.text += text
  choice.finish = stop === undefined ? (output.finish ?? null) : 'stop'
  choice.stop = stop ?? null
  return text
}

/** Sends the choices in and watches them; gives the way to give up on them all. */
const run = (api: Api, choices: readonly Choice[], watcher: Watcher): (() => void) => {
  let over = false
  const takeBack = choices.map((choice) => {
    const listen = (heard: EngineEvent): void => {
      if (over) return
      if (heard === 'dead') {
        over = true
        watcher.died()
        return
      }
      const bit = grow(choice, heard)
      if (choice.stop !== null) takeBack[choice.index]?.('stop')
      watcher.grown(choice, bit)
      over = choices.every(({ finish }) => finish !== null)
      if (over) watcher.finished()
    }
    return api.engine.submit(choice.request, listen)
  })
  return () => {
    for (const give of takeBack) give('abort')
  }
}

const usageOf = (request: GenerationRequest, choices: readonly Choice[]) => {
  const prompt = request.prompts.reduce((sum, entry) => sum + entry.tokens, 0)
  const answer = choices.reduce((sum, choice) => sum + choice.tokens, 0)
  return { prompt_tokens: prompt, total_tokens: prompt + answer, completion_tokens: answer }
}

type Answer = { readonly flavour: Flavour; readonly request: GenerationRequest; readonly choices: readonly Choice[]; readonly head: object }

const whole = (api: Api, { flavour, request, choices, head }: Answer, call: Call): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const body = () => ({
      ...head,
      object: flavour.object,
      choices: choices.map((choice) => flavour.choice(choice.index, choice.text, choice.finish, choice.stop)),
      system_fingerprint: `vllm-${version}`,
      usage: usageOf(request, choices),
    })
    const giveUp = run(api, choices, {
      grown: () => undefined,
      finished: () => resolve(json(200, body())),
      died: () => reject(engineDead()),
    })
    call.onGone(giveUp)
  })

const streamed = (api: Api, { flavour, request, choices, head }: Answer, call: Call): Reply => ({
  stream: (sink: Sink) => {
    const send = (entries: readonly object[], more: object = {}) =>
      sink.write(event({ ...head, object: flavour.chunkObject, choices: entries, ...more }))
    const end = (): void => {
      sink.write(done)
      sink.end()
    }
    for (const choice of choices) {
      const opening = flavour.opening(choice.index)
      if (opening !== undefined) send([opening])
    }
    const giveUp = run(api, choices, {
      grown: (choice, bit) => send([flavour.chunk(choice.index, bit, choice.finish, choice.stop)]),
      finished: () => {
        if (request.includeUsage) send([], { usage: usageOf(request, choices) })
        end()
      },
      died: () => {
        sink.write(event(errorBody(engineDead())))
        end()
      },
    })
    call.onGone(giveUp)
  },
})

/** Answers a request for generated text, whole or as a stream of one event per token and choice. */
export const generate = async (api: Api, flavour: Flavour, request: GenerationRequest, call: Call): Promise<Reply> => {
  const model = servedName(api, request.model)
  needEngine(api)
  const id = `${flavour.idPrefix}${api.newId()}`
  const choices = choicesOf(api, request, id)
  const head = { id, created: Math.floor(api.clock.wall() / 1000), model }
  const answer: Answer = { flavour, request, choices, head }
  return request.stream ? streamed(api, answer, call) : whole(api, answer, call)
}
