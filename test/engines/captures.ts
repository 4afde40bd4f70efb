/**
 * Makes the real vLLM fail in every way of `failed-starts.ts` and writes what it said: `node test/engines/captures.ts DIR [NAME ...]`.
 * Prints what each is named. Needs root for mounts; a quarter of an hour on two cores for all of them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { explainExit } from '../../src/engine/failures.ts'
import { type FailedStart, failedStarts } from './failed-starts.ts'
import { ensureRealEngine, type RealEngine } from './install.ts'
import { trimLog } from './trim.ts'

/** How a start ended: a code or signal, `ready` (it did not fail), `late` (it neither failed nor got ready). */
export type Ended = { readonly code?: number; readonly signal?: number | string; readonly ready?: true; readonly late?: true }

type Job = {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly out: string
  readonly seconds: number
}

const environment = {
  HF_HUB_OFFLINE: '1',
  VLLM_NO_USAGE_STATS: '1',
  DO_NOT_TRACK: '1',
  VLLM_CPU_KVCACHE_SPACE: '1',
  VLLM_LOGGING_COLOR: '0',
}

/** Starts the engine again and again in forks of one Python that has imported it. */
const startForks = (engine: RealEngine, directory: string) => {
  const child = spawn(engine.python, [join(import.meta.dirname, 'serve_forked.py')], {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (): Promise<Ended> => JSON.parse((await answers.next()).value ?? '{}')
  return {
    imported: answer,
    run: (job: Job): Promise<Ended> => {
      child.stdin.write(`${JSON.stringify(job)}\n`)
      return answer()
    },
    end: () => child.stdin.end(),
  }
}

const runCold = async (engine: RealEngine, { cold = [], inside = 'true' }: FailedStart, job: Job, scratch: string): Promise<Ended> => {
  const words = ['-m', 'sh', '-ec', `${inside}; exec "$@"`, 'start', ...cold, engine.vllm, 'serve', ...job.argv]
  const child: ChildProcess = spawn('unshare', words, {
    cwd: scratch,
    env: { ...process.env, ...environment, ...job.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const out = createWriteStream(job.out)
  child.stdout?.pipe(out, { end: false })
  child.stderr?.pipe(out, { end: false })
  const late = setTimeout(() => child.kill('SIGKILL'), job.seconds * 1000)
  const ended = await new Promise<Ended>((resolve) =>
    child.on('close', (code, signal) => resolve(signal === null ? { code: code ?? 1 } : { signal })),
  )
  clearTimeout(late)
  await new Promise((resolve) => out.end(resolve))
  return ended
}

/** Sends the signal as soon as the log says that it is time; gives up with the start. */
const killWhen = (kill: FailedStart['kill'], out: string): NodeJS.Timeout | undefined => {
  if (kill === undefined) return undefined
  const timer = setInterval(() => {
    const text = existsSync(out) ? readFileSync(out, 'utf8') : ''
    const pid = new RegExp(`\\(${kill.process}\\S* pid=(\\d+)\\)`).exec(text)?.[1]
    if (pid === undefined || !kill.when.test(text)) return
    clearInterval(timer)
    process.kill(Number(pid), kill.signal)
  }, 20)
  return timer
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const capture = async (engine: RealEngine, forks: ReturnType<typeof startForks>, start: FailedStart, out: string): Promise<Ended> => {
  const directory = mkdtempSync(join(tmpdir(), 'aim-capture-'))
  const [model, scratch] = [join(directory, 'model'), join(directory, 'scratch')]
  mkdirSync(scratch)
  cpSync(engine.model, model, { recursive: true })
  start.edit?.(model)
  const hub = createHttpServer((_, response) => response.writeHead(start.hub ?? 500).end()).listen(0, '127.0.0.1')
  await new Promise((resolve) => hub.once('listening', resolve))
  const busy = hub.address() as AddressInfo
  const place = (text: string): string =>
    text
      .replace('SCRATCH', scratch)
      .replace('MODEL', model)
      .replace('BUSY', String(busy.port))
      .replace('HUB', `http://127.0.0.1:${busy.port}`)
  const argv = start.argv ?? []
  const unless = (flag: string, ...words: string[]): readonly string[] => (argv.includes(flag) ? [] : words)
  const job = {
    argv: [
      start.model === undefined ? model : place(start.model),
      ...unless('--port', '--port', String(await freePort())),
      ...unless('--max-model-len', '--max-model-len', '1024'),
      ...unless('--compile', '--enforce-eager'),
      ...argv.filter((word) => word !== '--compile').map(place),
    ],
    env: {
      ...Object.fromEntries(Object.entries(start.env ?? {}).map(([key, value]) => [key, place(value)])),
      SCRATCH: scratch,
      MODEL: model,
    },
    ...(start.inside === undefined ? {} : { inside: start.inside }),
    ...(start.limits === undefined ? {} : { limits: start.limits }),
    out,
    seconds: 150,
  }
  const timer = killWhen(start.kill, out)
  const ended = await (start.cold === undefined ? forks.run(job) : runCold(engine, start, job, scratch))
  clearInterval(timer)
  const site = `${engine.venv}/lib/python3.11/site-packages`
  const places = {
    [scratch]: '/scratch',
    [model]: '/models/tiny',
    [site]: '',
    [engine.venv]: '/venv',
    [import.meta.dirname]: '/engines',
    'huggingface.co': 'hub.example',
    [busy.port]: '8000',
  }
  writeFileSync(out, trimLog(readFileSync(out, 'utf8'), places))
  hub.close()
  rmSync(directory, { recursive: true, force: true })
  return ended
}

/** Captures the named starts (all without names) into `out`; calls `onEnd` after each with how it ended and what it is named. */
export const captureFailedStarts = async (
  out: string,
  names: readonly string[],
  onEnd: (start: FailedStart, ended: Ended, named: string) => void,
): Promise<void> => {
  mkdirSync(out, { recursive: true })
  const engine = await ensureRealEngine()
  const directory = mkdtempSync(join(tmpdir(), 'aim-captures-'))
  const forks = startForks(engine, directory)
  try {
    await forks.imported()
    for (const start of failedStarts.filter(({ name }) => names.length === 0 || names.includes(name))) {
      const path = join(out, `${start.name}.log`)
      const ended = await capture(engine, forks, start, path)
      const lines = readFileSync(path, 'utf8').split('\n')
      const { cause } = explainExit({ code: ended.code ?? null, signal: null }, lines, false)
      onEnd(start, ended, cause)
    }
  } finally {
    forks.end()
    rmSync(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const [out = 'captures', ...names] = process.argv.slice(2)
  await captureFailedStarts(out, names, ({ name, cause }, ended, named) =>
    console.log(`${name} ${JSON.stringify(ended)} ${named}${named === cause ? '' : ` (expected: ${cause})`}`),
  )
}
