/** One request, as far as a handler may see it. */
export type Call = {
  readonly method: string
  /** Without the root path and the query. */
  readonly path: string
  readonly contentType: string | undefined
  readonly body: string
  /** Calls back when the client has gone away before the whole answer was sent. */
  readonly onGone: (callback: () => void) => void
}

/** Where a streamed answer goes. */
export type Sink = { readonly write: (text: string) => void; readonly end: () => void }

/** An answer: whole, or written bit by bit as server-sent events. */
export type Reply =
  | { readonly status: number; readonly contentType?: string; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly stream: (sink: Sink) => void }

/** A whole JSON answer. */
export const json = (status: number, value: unknown): Reply => ({ status, contentType: 'application/json', body: JSON.stringify(value) })

/** A refusal in the shape of OpenAI's errors, which handlers throw. */
export class Refusal extends Error {
  readonly status: number
  readonly type: string
  readonly param: string | null

  constructor(status: number, type: string, message: string, param: string | null = null) {
    super(message)
    this.status = status
    this.type = type
    this.param = param
  }
}

/** The JSON of a refusal. */
export const errorBody = ({ message, type, param, status }: Refusal) => ({ error: { message, type, param, code: status } })

/** The refusal of everything once the engine has died. */
export const engineDead = (): Refusal =>
  new Refusal(500, 'InternalServerError', 'EngineCore encountered an issue. See stack trace (above) for the root cause.')

/** One server-sent event. */
export const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

/** The event that ends every stream. */
export const done = 'data: [DONE]\n\n'
