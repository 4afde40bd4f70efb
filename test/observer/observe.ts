import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, look, openStream, type Stream } from './http.ts'
import { treeOf } from './process-tree.ts'
import { type Scenario, type ScenarioName, scenarios } from './scenarios.ts'
import type { Happening, Part, Timeline, TimelineEvent } from './timeline.ts'

/** How patient the observer is: an engine that is ten times slower needs ten times of it. Milliseconds. */
export type Patience = {
  /** Between two probes. */
  readonly poll: number
  /** Until an engine is up, and until it is gone. */
  readonly start: number
  readonly end: number
  /** See `Timeline.settle`. */
  readonly settle: number
  /** Without a byte for so long a stream is taken to hang. */
  readonly quiet: number
  /** How long what is left behind may take to go. */
  readonly left: number
}

/** Enough for the real vLLM on a small machine. */
export const realPatience: Patience = { poll: 250, start: 300_000, end: 60_000, settle: 1500, quiet: 10_000, left: 5000 }

/** What to observe: a command that serves on `port`, and what is done to it. */
export type Observation = {
  /** Whole: scenario arguments are appended. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly port: number
  readonly scenario: ScenarioName
  readonly patience?: Patience
  /** Tokens of a stream; it has to be open for a good second. */
  readonly streamTokens?: number
}

type Watch = {
  readonly child: ChildProcess
  readonly port: number
  readonly patience: Patience
  readonly scenario: Scenario
  readonly exited: Promise<void>
  readonly isOver: () => boolean
  readonly note: (happening: Happening) => void
  readonly output: readonly string[]
}

const until = async (watch: Watch, limit: number, condition: () => boolean | Promise<boolean>): Promise<boolean> => {
  const from = performance.now()
  while (!(await condition())) {
    if (performance.now() - from > limit) return false
    await delay(Math.min(watch.patience.poll, 20))
  }
  return true
}

const partNames: Readonly<Record<Exclude<Part, 'api'>, string>> = { core: 'VLLM::Engine', worker: 'VLLM::W' }

const pidOf = ({ child }: Watch, part: Part): number => {
  const root = child.pid ?? 0
  if (part === 'api') return root
  const found = treeOf(root).find((entry) => entry.name.startsWith(partNames[part]))
  if (found === undefined) throw new Error(`the engine has no ${part}`)
  return found.pid
}

const send = (watch: Watch, signal: NodeJS.Signals, to: Part): void => {
  const pid = pidOf(watch, to)
  watch.note({ what: 'signal', signal, to })
  process.kill(pid, signal)
}

const probe = async ({ port, note, scenario }: Watch) => {
  const seen = await look(port, scenario.arguments.includes('--enable-server-load-tracking'))
  note({ what: 'probe', ...seen })
  return seen
}

/** Probes until the engine has exited; a stream that stays silent is abandoned. */
const watchEnd = async (watch: Watch, stream: Stream | undefined): Promise<void> => {
  const { patience, note, exited, isOver } = watch
  const from = performance.now()
  while (!isOver() && performance.now() - from < patience.end) {
    await probe(watch)
    if (stream?.end() === undefined && (stream?.quietMs() ?? 0) > patience.quiet) stream?.abandon()
    await Promise.race([exited, delay(patience.poll)])
  }
  if (!isOver()) note({ what: 'still alive' })
  await probe(watch)
}

const freeze = async (watch: Watch, model: string, stream: Stream | undefined): Promise<void> => {
  const { patience, note, port } = watch
  if (stream !== undefined) await until(watch, patience.end, () => stream.quietMs() > patience.settle)
  const before = await probe(watch)
  let requestAnswered = false
  const request = ask(port, '/v1/completions', { body: { model, prompt: 'hi', max_tokens: 2 }, timeoutMs: patience.end })
  void request.then(() => {
    requestAnswered = true
  })
  await delay(patience.settle)
  note({ what: 'frozen', before, after: await probe(watch), requestAnswered })
  send(watch, 'SIGCONT', watch.scenario.to)
  if ((await request).answer === 200) note({ what: 'recovered' })
  await stream?.ended
  // The load goes down a moment after the answer; a stop before that would meet an open request.
  await until(watch, patience.end, async () => ((await look(port, true)).load ?? 0) === 0)
  send(watch, 'SIGTERM', 'api')
}

const bringUp = async (watch: Watch): Promise<string | undefined> => {
  const { port, patience, note, isOver, output } = watch
  const up = await until(watch, patience.start, async () => isOver() || (await ask(port, '/health')).answer === 200)
  if (!up || isOver()) {
    note({ what: 'not ready', output })
    return undefined
  }
  note({ what: 'ready' })
  const { body } = await ask(port, '/v1/models')
  const model = /"id":\s*"([^"]+)"/.exec(body)?.[1] ?? ''
  const answer = await ask(port, '/v1/completions', { body: { model, prompt: 'hi', max_tokens: 2 }, timeoutMs: patience.end })
  if (answer.answer === 200) note({ what: 'answered' })
  return model
}

const beginStream = async (watch: Watch, model: string, tokens: number): Promise<Stream> => {
  const stream = openStream(watch.port, model, tokens)
  void stream.ended.then((end) => watch.note({ what: 'stream ended', chunks: stream.chunks(), end }))
  await until(watch, watch.patience.start, () => stream.chunks() > 5 || stream.end() !== undefined)
  watch.note({ what: 'stream open', chunks: stream.chunks() })
  return stream
}

const enact = async (watch: Watch, tokens: number): Promise<void> => {
  const { scenario } = watch
  const model = await bringUp(watch)
  if (model === undefined) return
  const stream = scenario.stream ? await beginStream(watch, model, tokens) : undefined
  send(watch, scenario.signal, scenario.to)
  if (scenario.signal === 'SIGSTOP') await freeze(watch, model, stream)
  await watchEnd(watch, stream)
}

const clean = (root: number): void => {
  for (const { pid } of treeOf(root)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It was quicker.
    }
  }
}

const keepOutput = (child: ChildProcess): readonly string[] => {
  const lines: string[] = []
  for (const pipe of [child.stdout, child.stderr])
    pipe?.on('data', (chunk) => {
      lines.push(...String(chunk).split(/[\r\n]+/))
      lines.splice(0, Math.max(0, lines.length - 60))
    })
  return lines
}

/** Starts the engine in a session of its own, brings it up, does what the scenario says, and records what is seen from outside until it is gone. */
export const observe = async (observation: Observation): Promise<Timeline> => {
  const { port, patience = realPatience, streamTokens = 900 } = observation
  const scenario: Scenario = scenarios[observation.scenario]
  const command = [...observation.command, ...scenario.arguments]
  const from = performance.now()
  const events: TimelineEvent[] = []
  const note = (happening: Happening): void => void events.push({ t: (performance.now() - from) / 1000, ...happening })
  const [program = '', ...words] = command
  const child = spawn(program, words, { env: { ...observation.env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  note({ what: 'spawned' })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.once('exit', (code, signal) => note({ what: 'exited', code, signal }))
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  const watch: Watch = { child, port, patience, scenario, exited, isOver, note, output: keepOutput(child) }
  const root = child.pid ?? 0
  try {
    await enact(watch, streamTokens)
    await until(watch, patience.left, () => treeOf(root).length === 0)
    note({ what: 'left', processes: treeOf(root).map((entry) => entry.name) })
  } finally {
    clean(root)
  }
  return { command, settle: patience.settle / 1000, events }
}
