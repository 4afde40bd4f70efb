/**
 * Edge: collects what shows why an engine stands still, while it still does: where its processes hang (/proc, and py-spy when the image has
 * it), its counters, its last words. Nothing that a user sent is in it.
 */
import { type ProcessReport, processTable, reportProcess } from '../supervisor/proc.ts'
import { descendantsOf } from '../supervisor/process-table.ts'
import { type Target, text } from './work.ts'

/** Processes that are described, lines of py-spy for each, last lines of the engine: enough for one rank per GPU of a node. */
const limits = { processes: 40, stackLines: 40, lines: 10, lineLength: 300 }
/** py-spy reads one process; milliseconds. */
const pySpyMs = 3000

/** The lines of evidence, in the order in which one reads them. `pid` is the engine's first process. */
export const examine = async (
  { adapter, endpoints }: Pick<Target, 'adapter' | 'endpoints'>,
  signal: AbortSignal,
  pid: number | undefined,
  lines: readonly string[],
): Promise<readonly string[]> => {
  const pids = pid === undefined ? [] : [pid, ...descendantsOf(processTable(), pid).map((entry) => entry.pid)]
  const reports = pids.slice(0, limits.processes).flatMap((each) => reportProcess(each) ?? [])
  const [metrics, ...stacks] = await Promise.all([
    text(endpoints.metrics, endpoints, signal).catch(() => undefined),
    ...reports.filter(({ threads }) => threads > 0).map((report) => pySpy(report, signal)),
  ])
  return [
    ...reports.map(describe),
    ...(metrics === undefined ? ['/metrics gives no answer'] : adapter.keyMetrics(metrics)),
    ...stacks.flat(),
    ...lines.filter(adapter.isOwnLine).slice(-limits.lines),
  ].map((line) => line.slice(0, limits.lineLength))
}

const describe = ({ pid, name, state, threads, cpuSeconds, wchan, stack }: ProcessReport): string =>
  [
    `${name} (pid ${pid}): state ${state}, ${threads} threads, ${cpuSeconds.toFixed(1)}s of CPU`,
    ...(wchan === undefined ? [] : [`sleeps in ${wchan}`]),
    ...(stack === undefined ? [] : [`kernel stack ${stack}`]),
  ].join(', ')

/** Python's stacks without their variables; nothing when there is no py-spy, or when it may not look. */
const pySpy = async ({ pid, name }: ProcessReport, signal: AbortSignal): Promise<readonly string[]> => {
  const { execFile } = await import('node:child_process')
  return new Promise((resolve) => {
    // Without stopping the process: one that hangs in the kernel would hold py-spy up as well.
    execFile(
      'py-spy',
      ['dump', '--nonblocking', '--pid', String(pid)],
      { signal, timeout: pySpyMs, killSignal: 'SIGKILL' },
      (error, out) => {
        const stack = error === null ? out.split('\n').filter((line) => line !== '') : []
        resolve(stack.length === 0 ? [] : [`py-spy, ${name} (pid ${pid}):`, ...stack.slice(0, limits.stackLines)])
      },
    )
  })
}
