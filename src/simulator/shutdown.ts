import type { CoreProcess } from './core-child.ts'
import { durations } from './durations.ts'
import type { Engine } from './engine.ts'
import type { Log } from './log.ts'
import type { Pace } from './pace.ts'
import type { HttpServer } from './server.ts'

/** What an end has to put away. The server is missing at a rank without one. */
export type Running = {
  readonly log: Log
  readonly pace: Pace
  readonly core: CoreProcess
  readonly engine: Engine
  readonly server: HttpServer | undefined
}

const say = ({ log }: Running, source: string, text: string): void => log.record('INFO', source, `[shutdown] ${text}`)

const begin = (running: Running, mode: 'abort' | 'drain', timeout: number): void => {
  say(running, 'launcher.py:254', 'API server: shutdown triggered')
  say(running, 'launcher.py:270', `API server: stopping engine client mode=${mode} timeout=${timeout}s`)
  say(running, 'utils.py:628', 'Process manager: send sigterm to process EngineCore')
}

const end = async (running: Running, seconds: number): Promise<void> => {
  say(running, 'launcher.py:304', 'API server: shutting down FastAPI HTTP server')
  const closed = running.server?.close()
  running.log.raw('INFO:     Shutting down\nINFO:     Waiting for application shutdown.\nINFO:     Application shutdown complete.\n')
  await running.pace.wait(seconds)
  await closed
}

/**
 * SIGTERM without a timeout: the port goes first, then the core and the workers by SIGKILL. What happens to open streams is a race in the
 * real engine; here `cut` ends them with an error and `[DONE]`, and `hang` leaves them open for as long as their clients stay.
 */
export const abort = async (running: Running, race: 'cut' | 'hang'): Promise<void> => {
  const closed = running.server?.close()
  begin(running, 'abort', 0)
  running.core.signal('SIGTERM')
  running.log.record('WARNING', 'utils.py:648', '[shutdown] Process manager: force killing remaining processes count=1')
  running.core.kill()
  await running.core.exited
  if (race === 'cut') running.engine.die()
  await Promise.all([closed, running.pace.wait(durations.abort)])
  await end({ ...running, server: undefined }, 0)
}

/** SIGTERM with a timeout in seconds: the core finishes what runs while the port stays open, and is killed when the time is over. */
export const drain = async (running: Running, timeout: number): Promise<void> => {
  begin(running, 'drain', timeout)
  running.core.signal('SIGTERM')
  const late = running.pace.real(timeout).then(() => {
    running.core.kill()
    return running.core.exited
  })
  await Promise.race([running.core.exited, late])
  const ended = end(running, durations.serverTeardown)
  running.engine.die()
  await ended
}

/** The core is gone without being told: health says so until the watchdog looks, then the server ends too (with 0, as vLLM does). */
export const mournCore = async (running: Running): Promise<void> => {
  running.log.record('WARNING', 'core_client.py:817', '[shutdown] MPClient: engine core exited unexpectedly; starting cleanup')
  running.log.record(
    'ERROR',
    'async_llm.py:906',
    'AsyncLLM output_handler failed.\nvllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue.',
  )
  running.engine.die()
  await running.pace.wait(durations.watchdog)
  running.core.kill()
  await end(running, 0)
}
