import type { Api } from './api.ts'
import { type CoreProcess, startCore } from './core-child.ts'
import { durations } from './durations.ts'
import { type Log, pythonRepr, traceback } from './log.ts'
import { type Model, missingModel, readModel } from './model.ts'
import { readConfig } from './model-files.ts'
import type { Pace } from './pace.ts'
import { routesOf } from './routes.ts'
import { createHttpServer, type HttpServer, type Load, tryPort } from './server.ts'
import type { ServeSettings } from './settings.ts'
import type { Behaviour } from './variables.ts'

/** What a start works with. `core` is there from its spawn on, so that whatever ends the server can end it too. */
export type Start = {
  readonly settings: ServeSettings
  readonly behaviour: Behaviour
  readonly log: Log
  readonly pace: Pace
  /** Of the API server. */
  readonly pid: number
  core?: CoreProcess
}

/** A start that failed as vLLM's would; the message is what standard error gets, whole. */
export class FailedStart extends Error {}

const fail = (where: string, error: string): never => {
  throw new FailedStart(`${traceback(where, error)}\n`)
}

const failOfPort = (error: unknown): never => {
  const { code, message } = error as NodeJS.ErrnoException
  return fail('serve', code === 'EADDRINUSE' ? 'OSError: [Errno 98] Address already in use' : `OSError: ${message}`)
}

/** The imports, then the first lines, then the port: taken here it is refused here, long before the model is looked at. */
export const greet = async ({ log, settings, pace }: Start): Promise<void> => {
  await pace.phase('import', durations.apiImport)
  const banner = ['', '  AIM Engine simulator   version 0.32.0', `  in place of vLLM       model   ${settings.model}`, '']
  log.record('INFO', 'api_utils.py:347', banner.join('\n'))
  log.record('INFO', 'api_utils.py:286', `non-default args: ${pythonRepr(settings.given)}`)
  if (!settings.headless) await tryPort(settings).catch(failOfPort)
}

/** Reads the model's config; throws FailedStart when there is none, or none that fits. */
export const describeModel = async ({ settings, log, pace }: Start): Promise<Model> => {
  const text = await readConfig(settings.model)
  if (text === undefined) return fail('create_model_config', missingModel(settings.model))
  const reading = readModel(text, settings.model, settings)
  if (!reading.ok) return fail('create_model_config', reading.error)
  log.record('INFO', 'model.py:733', `Resolved architecture: ${reading.model.architecture}`)
  log.record('INFO', 'model.py:2152', `Using max model len ${reading.model.maxLength}`)
  await pace.phase('config', durations.config)
  return reading.model
}

// A crash log is a whole story: nothing is added to it.
const failOfCore = ({ faults, crashLog }: Behaviour): never => {
  if ('crash-at-load' in faults && crashLog !== undefined) throw new FailedStart('')
  return fail('launch_core_engines', 'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}')
}

/** Starts the engine core and waits until it is ready; throws FailedStart when it ends before. */
export const launchCore = async (start: Start, model: Model): Promise<CoreProcess> => {
  const { settings, behaviour } = start
  const { enforceEager, maxNumSeqs, shutdownTimeout, tensorParallelSize } = settings
  const { task, dimensions, maxLength } = model
  const told = { model: settings.model, task, dimensions, maxLength, maxNumSeqs, tensorParallelSize, enforceEager, shutdownTimeout }
  const core = startCore(told, 'setsid-workers' in behaviour.faults)
  start.core = core
  if (!(await core.ready)) return failOfCore(behaviour)
  await start.pace.phase('http', durations.http)
  return core
}

/** Makes the server; a key or certificate that cannot be read throws FailedStart. */
export const makeServer = ({ log }: Start, api: Api, load: Load): HttpServer => {
  try {
    return createHttpServer(api, load, log)
  } catch (error) {
    return fail('load_cert_chain', `OSError: ${(error as Error).message}`)
  }
}

/** Opens the port and says so; a port that was taken meanwhile throws FailedStart. */
export const openPort = async ({ settings, behaviour, log, pace, pid }: Start, server: HttpServer, model: Model): Promise<void> => {
  log.record('INFO', 'entry.py:136', `Supported tasks: ['${model.task}']`)
  if ('never-ready' in behaviour.faults) await pace.forever()
  const port = await server.listen().catch(failOfPort)
  log.record('INFO', 'entry.py:140', `Starting vLLM server on ${settings.tls ? 'https' : 'http'}://${settings.host}:${port}`)
  log.record('INFO', 'launcher.py:186', 'Available routes are:')
  for (const { path, methods } of routesOf(model.task))
    log.record('INFO', 'launcher.py:195', `Route: ${path}, Methods: ${methods.join(', ')}`)
  const started = `INFO:     Started server process [${pid}]\n`
  log.raw(`${started}INFO:     Waiting for application startup.\nINFO:     Application startup complete.\n`)
}
