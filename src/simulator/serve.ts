import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { systemClock } from '../std/clock.ts'
import { exitCodes } from '../std/exit-codes.ts'
import type { Api } from './api.ts'
import { createEngine } from './engine.ts'
import { createServerMetrics } from './engine-metrics.ts'
import { createPace } from './pace.ts'
import { readProcessFigures } from './process-figures.ts'
import { kill } from './roles.ts'
import type { Load } from './server.ts'
import { readCommand } from './settings.ts'
import { abort, drain, mournCore, type Running } from './shutdown.ts'
import { createLog } from './speech.ts'
import { describeModel, FailedStart, greet, launchCore, makeServer, openPort, type Start } from './start.ts'
import { leakSharedMemory, makeOrphans } from './strays.ts'
import type { Behaviour } from './variables.ts'

/** What becomes of a signal; it changes once, when the server is up. */
type Stop = { asked: boolean; onSignal: () => void }

const listenForStop = (start: Start): Stop => {
  // Until the server is up Python turns either signal into KeyboardInterrupt and dies of SIGINT, whatever was sent.
  const dieOfInterrupt = (): void => {
    start.core?.kill()
    process.removeAllListeners('SIGINT')
    kill(process.pid, 'SIGINT')
  }
  const stop: Stop = { asked: false, onSignal: dieOfInterrupt }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.removeAllListeners(signal)
    process.on(signal, () => {
      if (!('ignore-sigterm' in start.behaviour.faults)) stop.onSignal()
    })
  }
  return stop
}

/** Brings the engine and its server up. */
const bringUp = async (start: Start, stop: Stop): Promise<Running> => {
  const { settings, behaviour, log, pace } = start
  await greet(start)
  const model = await describeModel(start)
  const core = await launchCore(start, model)
  const [modelName = settings.model] = settings.servedNames
  const metrics = createServerMetrics({ modelName, kvTokens: behaviour.kvTokens, engine: settings.logStats })
  const engine = createEngine(core.send, metrics, systemClock)
  core.onOutputs(engine.receive)
  const load: Load = { inFlight: 0 }
  const api: Api = {
    settings,
    behaviour,
    model,
    engine,
    metrics,
    clock: systemClock,
    newId: () => randomBytes(8).toString('hex'),
    readProcess: readProcessFigures,
    load: () => load.inFlight,
    isStopping: () => stop.asked && settings.shutdownTimeout === 0,
  }
  const server = settings.headless ? undefined : makeServer(start, api, load)
  if (server === undefined) log.record('INFO', 'serve.py:210', 'Headless: this rank has no API server.')
  else await openPort(start, server, model)
  return { log, pace, core, engine, server }
}

const ownEnd = async ({ behaviour, pace }: Start): Promise<number> => {
  const after = behaviour.faults['exit-after-ready']
  await (after === undefined ? pace.forever() : pace.real(after))
  return behaviour.exitCode
}

/** Waits for the first of a signal, the core's death and an end of its own (a fault), and puts everything away. Gives the exit code. */
const untilEnd = async (start: Start, running: Running, stop: Stop): Promise<number> => {
  const { settings, behaviour } = start
  // A second signal finds a promise that is settled: it changes nothing.
  const told = new Promise<'told'>((resolve) => {
    stop.onSignal = () => {
      stop.asked = true
      resolve('told')
    }
  })
  const cause = await Promise.race([told, running.core.exited.then(() => 'died' as const), ownEnd(start)])
  if (typeof cause === 'number') return cause
  if (cause === 'died') await mournCore(running)
  else if (settings.shutdownTimeout > 0) await drain(running, settings.shutdownTimeout)
  else await abort(running, behaviour.termRace)
  return exitCodes.ok
}

const misbehave = ({ behaviour: { faults }, log }: Start): void => {
  if (faults.orphans !== undefined) makeOrphans(faults.orphans)
  if ('leak-shm' in faults) log.record('INFO', 'simulator', `left behind: ${leakSharedMemory()}`)
}

/** Times a second that the flood comes. */
const floodTicks = 20

const flood = ({ behaviour: { faults }, log }: Start): void => {
  const perSecond = faults['flood-log']
  if (perSecond === undefined) return
  const wave = Array(Math.max(1, Math.round(perSecond / floodTicks)))
    .fill('a line of the flood')
    .join('\n')
  setInterval(() => log.record('INFO', 'simulator', wave), 1000 / floodTicks)
}

// The command line stays readable in the process table, which setting process.title would not leave.
const nameProcess = (): void => {
  try {
    writeFileSync('/proc/self/comm', 'vllm')
  } catch {
    process.title = 'vllm'
  }
}

const live = async (start: Start): Promise<number> => {
  const stop = listenForStop(start)
  try {
    const running = await bringUp(start, stop)
    misbehave(start)
    return await untilEnd(start, running, stop)
  } catch (error) {
    if (!(error instanceof FailedStart)) throw error
    start.log.raw(error.message)
    return 'crash-at-load' in start.behaviour.faults ? start.behaviour.exitCode : 1
  } finally {
    start.core?.kill()
  }
}

/** The API server's life: `argv` are the words after `serve`. Gives the exit code. Edge: a process and its signals. */
export const runServe = async (argv: readonly string[], behaviour: Behaviour): Promise<number> => {
  const command = readCommand(argv, process.env)
  const log = createLog('APIServer')
  if (command.kind === 'print') {
    process.stdout.write(command.text)
    return exitCodes.ok
  }
  if (command.kind === 'usage') {
    log.raw(command.text)
    return exitCodes.usage
  }
  nameProcess()
  const start: Start = { settings: command.settings, behaviour, log, pace: createPace(behaviour), pid: process.pid }
  log.record('INFO', 'simulator', "This is AIM Engine's simulator of vLLM: no model is loaded, and no answer means anything.")
  flood(start)
  return live(start)
}
