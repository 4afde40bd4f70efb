/** `npm run demo`: the whole line on this machine, no GPU and no network needed. `--engine vllm` takes a real vLLM on the CPU, `--once` ends by itself. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { PhaseStatus, Status } from '../../src/ops/status.ts'
import { formatBytes } from '../../src/std/bytes.ts'
import { formatDuration } from '../../src/std/duration.ts'
import { aimCommand, bareEnvironment, get } from '../stage/aim.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { freePorts } from '../stage/ports.ts'
import { until } from '../stage/until.ts'

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'simulator' },
    once: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => void process.stdout.write(`${text}\n`)

let stopping = false
let serving: ChildProcess | undefined

const stop = (): void => {
  say(stopping ? '\nstopping at once' : '\nstopping: readiness off, requests finish, then the engine ends (Ctrl-C again: at once)')
  stopping = true
  serving?.kill('SIGTERM')
}

// From the first moment: the stage has files to remove before anything runs. HUP is a terminal that was closed.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)

const describePhase = ({ name, startMs, endMs, done, total, unit, detail }: PhaseStatus): string => {
  const amount =
    done === undefined || total === undefined
      ? ''
      : unit === 'bytes'
        ? `${formatBytes(done)} of ${formatBytes(total)}`
        : `${done} of ${total}`
  const time = endMs === undefined ? '...' : formatDuration(endMs - startMs)
  return `  ${name.padEnd(10)} ${time.padStart(7)}  ${[amount, detail ?? ''].filter(Boolean).join('  ')}`
}

/** Prints each phase when it is over, and the running one in place on a terminal. */
const phasePrinter = (): ((status: Status) => void) => {
  let printed = 0
  return ({ phases }) => {
    const clear = process.stdout.isTTY ? '\r\x1b[K' : ''
    for (const phase of phases.slice(printed)) {
      if (phase.endMs === undefined) {
        if (process.stdout.isTTY) process.stdout.write(`${clear}${describePhase(phase)}`)
        return
      }
      say(`${clear}${describePhase(phase)}`)
      printed++
    }
  }
}

/** The first port that is free of those people expect, else any. */
const choosePorts = async (): Promise<readonly [number, number]> => {
  const taken = await Promise.all(
    [8000, 8080].map((port) =>
      get(`http://127.0.0.1:${port}/`).then(
        () => true,
        (error) => (error as Error & { cause?: { code?: string } }).cause?.code !== 'ECONNREFUSED',
      ),
    ),
  )
  const [port = 8000, ops = 8080] = await freePorts(2)
  return [taken[0] ? port : 8000, taken[1] ? ops : 8080]
}

const engineEnvironment = async (): Promise<Record<string, string>> => {
  if (values.engine === 'simulator') return { AIM_ENGINE: 'simulator', AIM_SIMULATOR_SPEED: '8' }
  const { ensureRealEngine } = await import('../engines/install.ts')
  const { vllm } = await ensureRealEngine()
  return {
    AIM_ENGINE_COMMAND: vllm,
    AIM_GPU_COUNT: '0',
    AIM_MAX_MODEL_LEN: '1024',
    AIM_ENGINE_ARGS: '{"enforce-eager":true}',
    VLLM_CPU_KVCACHE_SPACE: '1',
  }
}

const chat = async (base: string, model: string): Promise<string> => {
  const body = { model, max_tokens: 16, messages: [{ role: 'user', content: 'Who are you?' }] }
  const response = await fetch(`${base}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = (await response.json()) as { readonly choices: readonly { readonly message: { readonly content: string } }[] }
  return answer.choices[0]?.message.content ?? ''
}

const stageFor = async (): Promise<Stage> => {
  if (values.engine === 'simulator') return setStage({ megabytes: 48, shards: 3 })
  const { ensureRealEngine } = await import('../engines/install.ts')
  return setStage({ model: (await ensureRealEngine()).model })
}

const main = async (): Promise<number> => {
  await using stage = await stageFor()
  const [port, opsPort] = await choosePorts()
  const [api, ops] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${opsPort}`]
  const logFile = join(stage.directory, 'aim.log')
  say(`hub      ${stage.hub.url}  (local, serves ${stage.repo})`)
  say(`cache    ${stage.cache}  (removed at the end)`)
  say(
    `engine   ${values.engine}${values.engine === 'simulator' ? ' (it behaves like vLLM and computes nothing)' : ' on the CPU, with random weights: what it says makes no sense'}\n`,
  )
  const engine = await engineEnvironment()
  if (stopping) return 0
  const [file, ...words] = aimCommand
  // A session of its own: a Ctrl-C reaches the demo, which passes it on once, as `docker stop` would.
  const child = spawn(file, [...words, 'serve', stage.repo], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...bareEnvironment(),
      HF_ENDPOINT: stage.hub.url,
      AIM_CACHE_PATH: stage.cache,
      AIM_PORT: String(port),
      AIM_OPS_PORT: String(opsPort),
      AIM_HOST: '127.0.0.1',
      AIM_TERMINATION_LOG: join(stage.directory, 'termination-log'),
      ...engine,
    },
  })
  serving = child
  const log = createWriteStream(logFile)
  let errors = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      log.write(data)
      if (values.log) process.stdout.write(data)
    })
  }
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-3000)))
  // Asked to stop before it has a handler, it dies of the signal, and nothing was begun.
  const exited = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? (stopping ? 0 : 1))))
  const print = phasePrinter()
  const status = async (): Promise<Status> => JSON.parse((await get(`${ops}/status`)).body) as Status
  const ready = until(
    'ready',
    async () => {
      if (child.exitCode !== null || stopping) return false
      const now = await status()
      print(now)
      return now.ready ? true : undefined
    },
    600_000,
  )
  if (await ready) {
    const { phases } = await status()
    say(`\nready ${formatDuration(phases.at(-1)?.endMs ?? 0)} after the start: a real answer came out of the engine`)
    say(`\nAPI      ${api}/v1\nstatus   ${ops}/status\nprobes   ${ops}/readyz  ${ops}/livez  ${ops}/startupz\nmetrics  ${ops}/metrics\n`)
    say(
      `curl ${api}/v1/chat/completions -H 'content-type: application/json' \\\n  -d '{"model": "${stage.repo}", "messages": [{"role": "user", "content": "Who are you?"}]}'\n`,
    )
    say(`it says: ${await chat(api, stage.repo)}\n`)
    if (values.once) stop()
    else say('Ctrl-C drains and ends it.')
  }
  const code = await exited
  if (code !== 0) say(`\nthe last lines of ${logFile}:\n${errors}`)
  say(`ended with code ${code}; cache, hub and processes are gone`)
  return code
}

process.exitCode = await main().catch((error) => {
  // A Ctrl-C reaches what is being installed as well.
  if (stopping) return 0
  throw error
})
