/**
 * Edge: the composition root. Opens the listener, the log and the signals, makes the plan, runs the supervisor to its end and says how it
 * ended. What is not needed before the engine is spawned is loaded after it.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Environment, parse } from '../config/parse.ts'
import { cacheDirectory } from '../config/rooms.ts'
import { showProblems } from '../config/show.ts'
import type { Options } from '../config/variables.ts'
import type { PatientFiles } from '../hardware/file-system.ts'
import { patientFiles } from '../hardware/patient-files.ts'
import { type Listener, startListener } from '../ops/listener.ts'
import type { Launch } from '../plan/launch.ts'
import { systemClock } from '../std/clock.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { describeError, exitCodeOfError, Failure } from '../std/failure.ts'
import { type Libc, openLibc } from '../std/libc.ts'
import { version } from '../std/version.ts'
import { ownedPids } from '../supervisor/owned.ts'
import { childPids, processTable, processTableInTurns } from '../supervisor/proc.ts'
import { descendantsOf } from '../supervisor/process-table.ts'
import { type Reaper, startReaper } from '../supervisor/reaper.ts'
import { sweep } from '../supervisor/sweep.ts'
import { createLog, type Log } from '../telemetry/log.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { createSink } from '../telemetry/sink.ts'
import { type CompileCache, createCompileCache } from './compile-cache.ts'
import type { createGpuWatch } from './gpu-watch.ts'
import type { LastWords } from './last-words.ts'
import { flushMs, leave, quit } from './leave.ts'
import { memoryOf } from './memory.ts'
import { type FoundModel, tornDirectory } from './model.ts'
import { holdModel, pullModel } from './model-cache.ts'
import { readOomKills } from './oom-kills.ts'
import { dropOpsPort, keepOpsPort } from './ops-port.ts'
import { keepStarts } from './past-starts.ts'
import { loadsWeights, policyFor, prepare } from './prepare.ts'
import { problemText } from './problems.ts'
import { removeRemains } from './remains.ts'
import { createRun } from './run.ts'
import type { Run } from './run-types.ts'
import { makeScratch, type Scratch } from './scratch.ts'
import { readSecretFile } from './secret-file.ts'
import { handleSignals } from './signals.ts'
import { environmentOf, programOf } from './supervision.ts'
import { hasteOf } from './words.ts'

/** Until the logger is loaded when no engine was spawned meanwhile; milliseconds. */
const patienceMs = 500

/** How long a worker that was told to stop may take; it is killed after five seconds. Milliseconds. */
const workerMs = 8000

/** Serves until the end and resolves with the exit code; never rejects. */
export const serve = async (environment: Environment): Promise<number> => {
  const owned = ownedPids()
  const spared: ReadonlySet<number> = new Set(childPids())
  const { options, problems } = parse(environment, readSecretFile)
  const sinks = [createSink(1), createSink(2)] as const
  const log = createLog({ level: options.logLevel, format: options.logFormat, out: sinks[0], err: sinks[1], wall: systemClock.wall })
  const wrong = problemText(options, environment, problems)
  if (wrong !== undefined)
    return leave(options, log, sinks, exitCodes.config, { exitCode: exitCodes.config, whose: 'aim', sentence: wrong })
  for (const warning of problems) log.write('warning', showProblems([warning]))
  const reaper = adopt(openLibc(), owned, log)
  void removeRemains(log)
  const abort = new AbortController()
  let listener: (Listener & { readonly warm: () => void }) | undefined
  let found: FoundModel | undefined
  let launched: Launch | undefined
  let scratch: Scratch | undefined
  let pulling: Promise<void> = Promise.resolve()
  let held: Promise<() => Promise<void>> | undefined
  const policy = policyFor(options, environment)
  const pastStarts = keepStarts(options)
  const compiled = createCompileCache(options, environment, log)
  const files = patientFiles(options.sysfsRoot)
  const run: Run = createRun({
    policy,
    clock: systemClock,
    chance: Math.random,
    log,
    version,
    owned,
    spared,
    reap: () => reaper?.reap(),
    reaped: () => reaper?.reaped() ?? 0,
    droppedLines: () => sinks[0].dropped() + sinks[1].dropped(),
    program: (launch) => {
      scratch = makeScratch()
      return programOf(launch, environment, extrasOf(options, compiled, launch), scratch.directory)
    },
    environment: (launch) => environmentOf(launch, environment, extrasOf(options, compiled, launch)),
    onReclaimed: () => scratch?.remove(),
    memory: (launch) => memoryOf(launch, files, processTable),
    pull: (launch, signal, onBytes) => {
      const seeded = compiled.seed(launch)
      pulling = pullModel(found, options, AbortSignal.any([signal, abort.signal]), onBytes, (howFar) =>
        log.write('info', `pulling: ${howFar}`),
      ).then(() => seeded)
      return pulling
    },
    pastStarts,
    onReady: compiled.keep,
    failureWords,
    oomKills: readOomKills,
    contextFloor: options.minModelLength,
    onSpawned: () => {
      held ??= holdModel(found, options)
      listener?.warm()
      void log.open()
    },
  })
  handleSignals({
    shutdown: () => {
      log.write('info', 'asked to stop', hasteOf(policy))
      run.shutdown()
    },
    quit: run.quit,
    report: run.report,
    ignored: (signal) => log.write('info', `${signal} means nothing here: there is nothing to reload`),
  })
  try {
    listener = await startListener(options.opsHost, options.opsPort, {
      health: run.health,
      probe: run.probe,
      status: run.status,
      metrics: createMetrics(
        run.figures,
        observeGpus(files, () => launched?.gpus ?? [], spared),
      ),
    })
    log.write('info', 'probes, status and metrics', { port: listener.port })
    if (options.opsPort === 0 && !keepOpsPort(listener.port))
      log.write('warning', 'aim status and HEALTHCHECK cannot find the port: it cannot be kept in the temporary directory', {
        fix: 'set AIM_OPS_PORT to a port, or mount a writable /tmp',
      })
  } catch (error) {
    return leave(options, log, sinks, exitCodeOfError(error), failureWords(error))
  }
  // A start from the cache is over sooner; whoever waits for a download wants to read on.
  setTimeout(() => void log.open(), patienceMs).unref()
  const preparing = prepare(options, environment, abort.signal, run.enterPhase, (sentence) => log.write('warning', sentence)).then(
    (prepared) => {
      found = prepared.found
      if ('kind' in prepared.launch)
        return run.refuse({ exitCode: prepared.launch.exitCode, whose: 'aim', sentence: prepared.launch.message, fix: prepared.launch.fix })
      const torn = prepared.found !== undefined && loadsWeights(prepared.request) ? tornDirectory(prepared.found) : undefined
      if (torn !== undefined) return run.refuse(failureWords(torn))
      launched = prepared.launch
      for (const reason of prepared.launch.reasons) log.write('info', reason)
      run.begin(prepared.launch)
    },
    (error) => run.refuse(failureWords(error)),
  )
  const bug = ownBug(run.halt)
  const { exitCode, words } = await Promise.race([run.ended, bug])
  abort.abort()
  // A worker that was told to stop removes its part files first; one that hangs in the kernel is not waited for.
  await Promise.race([Promise.allSettled([preparing, pulling, pastStarts.settled(), held?.then((release) => release())]), sleep(workerMs)])
  // After a bug of ours: every other end has reclaimed the engine's tree.
  if (exitCode === exitCodes.software) {
    await sweep(spared, () => reaper?.reap(), AbortSignal.timeout(flushMs))
    scratch?.remove()
  }
  await leave(options, log, sinks, exitCode, words)
  if (options.opsPort === 0) dropOpsPort(listener.port)
  listener.close()
  return quit(exitCode)
}

/** Readings of the launch's GPUs; what reads them is loaded by the first scrape that has any. */
const observeGpus = (files: PatientFiles, gpus: () => Launch['gpus'], spared: ReadonlySet<number>): Parameters<typeof createMetrics>[1] => {
  let watch: ReturnType<typeof createGpuWatch> | undefined
  const pids = async (): Promise<readonly number[]> => descendantsOf(await processTableInTurns(), process.pid, spared).map(({ pid }) => pid)
  return async () => {
    if (gpus().length === 0) return []
    watch ??= (await import('./gpu-watch.ts')).createGpuWatch({ files, gpus, pids, now: systemClock.now })
    return watch()
  }
}

const extrasOf = (options: Options, { variables: cachesOf }: CompileCache, launch: Launch): Parameters<typeof programOf>[2] => ({
  hubCache: cacheDirectory(options),
  caches: cachesOf(launch),
  ...(options.engineApiKey === undefined ? {} : { engineApiKey: options.engineApiKey }),
})

/** Resolves when something was thrown that nobody expected: even then the engine must not stay behind, and the code is ours. */
const ownBug = (halt: () => void): Promise<{ readonly exitCode: number; readonly words: LastWords }> =>
  new Promise((resolve) => {
    process.on('uncaughtException', (error) => {
      halt()
      resolve({ exitCode: exitCodes.software, words: { ...failureWords(error), exitCode: exitCodes.software } })
    })
  })

/** Takes on PID 1's duty, or asks to be given it. */
const adopt = (libc: Libc | undefined, owned: ReadonlySet<number>, log: Log): Reaper | undefined => {
  if (libc === undefined) {
    const fix = 'docker run --init; on Kubernetes shareProcessNamespace: true'
    log.write('warning', 'orphaned processes cannot be reaped: this Node has no node:ffi', { fix })
    return undefined
  }
  if (process.pid !== 1 && !libc.becomeSubreaper())
    log.write('warning', 'orphans of the engine may escape: prctl(PR_SET_CHILD_SUBREAPER) was refused')
  return startReaper(libc, owned)
}

const failureWords = (error: unknown): LastWords => ({
  exitCode: exitCodeOfError(error),
  whose: 'aim',
  sentence: error instanceof Failure ? error.message : `this is a bug of ours: ${describeError(error)}`,
  ...(error instanceof Failure && error.fix !== undefined ? { fix: error.fix } : {}),
})
