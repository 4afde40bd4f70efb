import type { Json } from '../std/json.ts'
import type { CompileCaches } from './compile-caches.ts'
import type { MemoryFigures } from './figures.ts'

/** What an engine is started with, engine-neutral. Paths are absolute. */
export type EngineInput = {
  /** The program and the words before the engine's own arguments: `['vllm']`, or what AIM_ENGINE_COMMAND names. */
  readonly command: readonly string[]
  /** Snapshot directory, or a model directory. */
  readonly modelPath: string
  /** Names the model answers to; the first is the one we ask by. */
  readonly servedNames: readonly string[]
  readonly host: string
  readonly port: number
  /** Long names without dashes to values; `false` renders the negation, null drops the argument. */
  readonly arguments: Readonly<Record<string, Json>>
  /** Words appended as they are. */
  readonly extraArguments: readonly string[]
}

/** Where the engine answers, as its own arguments imply. */
export type Endpoints = {
  /** `http://127.0.0.1:8000`: scheme by the TLS arguments, host made reachable from here. */
  readonly base: string
  /** Key to send as a bearer token. A secret: never logged, never in a plan. */
  readonly apiKey?: string
  /** Answers once the engine's server is up. */
  readonly health: string
  readonly metrics: string
  /** Requests in flight as the API server counts them; absent when the engine has no such count. */
  readonly load?: string
  /** Where to ask whether somebody has put the engine to sleep or paused it; empty when nobody can. */
  readonly suspensions: readonly string[]
}

/** What the engine's cores say about themselves. */
export type Pulse = {
  /** By the engine's own number of the core; `progress` changes whenever the core takes a step. */
  readonly cores: Readonly<Record<string, { readonly inFlight: number; readonly progress: string }>>
  readonly asleep: boolean
}

/** One real request whose answer proves that the model works. */
export type WarmUp = {
  readonly path: string
  readonly body: Json
  /** What is wrong with the answer's body, or undefined when it holds a real answer (a token, an embedding ...). */
  readonly check: (body: unknown) => string | undefined
}

/** Start-up phases in the order that they come; the words of `/status` and of the log. */
export const phaseNames = [
  'import',
  'config',
  'engine',
  'weights',
  'compile',
  'kernel-jit',
  'profile',
  'kv-cache',
  'capture',
  'http',
] as const

/** One of them. */
export type PhaseName = (typeof phaseNames)[number]

/** What one log line says about the start. */
export type PhaseSign = { readonly phase: PhaseName; readonly done?: number; readonly total?: number; readonly detail?: string }

/** Why an engine ended, as far as its code and its last lines tell. */
export type ExitMeaning = {
  /** Short and stable, for metric labels: `bad-argument`, `out-of-memory`, `unknown`. */
  readonly cause: string
  /** One sentence. */
  readonly sentence: string
  readonly fix?: string
  /** Trying again cannot help. */
  readonly permanent: boolean
  /** What the container should exit with when this ends it; absent: the engine's own code. */
  readonly exitCode?: number
  /** It ended because its context does not fit: the largest that does by its own estimate, in tokens. */
  readonly fittingContext?: number
  /** The lines that show it. */
  readonly evidence: readonly string[]
}

/** Everything that is known about one engine, as pure functions of its input and of what it says. */
export type EngineAdapter = {
  readonly name: string
  /** The whole command line. */
  readonly argv: (input: EngineInput) => readonly string[]
  /** The same command line with a context of so many tokens. */
  readonly withContext: (argv: readonly string[], tokens: number) => readonly string[]
  /** Variables the engine must be given, on top of the scrubbed environment. */
  readonly environment: (input: EngineInput) => Readonly<Record<string, string>>
  readonly compileCaches: CompileCaches
  readonly endpoints: (argv: readonly string[], environment: Readonly<Record<string, string>>) => Endpoints
  readonly warmUp: (task: string, servedName: string) => WarmUp
  /** Headers by which a request reaches the core of this number, where the engine has several. */
  readonly headersFor: (core: string) => Readonly<Record<string, string>>
  /** Whether lines (UTF-8) have to be read one by one by the four below: false where each does no more than show that a start moves. */
  readonly mayTell: (bytes: Uint8Array) => boolean
  /** Whether a line shows that a start moves. */
  readonly showsProgress: (line: string) => boolean
  /** Whether a line of an engine that is asked shows work that it counts nowhere; never by what a user sent. */
  readonly showsWork: (line: string) => boolean
  readonly readPhase: (line: string) => PhaseSign | undefined
  /** What a start's log says of memory, with one more line of it. */
  readonly addFigures: (figures: MemoryFigures, line: string) => MemoryFigures
  /** Whether it ended, by the cause of its end, because the GPU's memory is too small for what was asked. */
  readonly wasTooSmall: (cause: string) => boolean
  /** `served`: the engine had been ready, so that its log may hold what users sent. */
  readonly explainExit: (
    exit: { readonly code: number | null; readonly signal: string | null; readonly oomKills?: number },
    lines: readonly string[],
    served: boolean,
  ) => ExitMeaning
  /** Requests in flight from the two witnesses' texts (the count's body and the metrics' text); undefined when neither says. */
  readonly inFlight: (load: string | undefined, metrics: string | undefined) => number | undefined
  /** Requests in flight as the API server counts them, from the count's body. */
  readonly readLoad: (load: string | undefined) => number | undefined
  /** What the metrics' text says about each core. */
  readonly readPulse: (metrics: string) => Pulse
  readonly saysSuspended: (body: string) => boolean
  /** Programs that build kernels for the engine: while one runs, the engine gets on without saying so. */
  readonly compilers: RegExp
  /** The lines of the metrics' text that matter when the engine stands still. */
  readonly keyMetrics: (metrics: string) => readonly string[]
  /** Whether a line of the log may be shown again: it is the engine's own, and holds nothing that a user sent. */
  readonly isOwnLine: (line: string) => boolean
}
