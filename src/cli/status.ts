/** `aim status` and `aim healthcheck`: what the running supervisor says. */
import type { PhaseStatus, StartStatus, Status } from '../ops/status.ts'
import { describeStart } from '../serve/start-status.ts'
import { formatDuration } from '../std/duration.ts'
import { askOps } from './ops-client.ts'
import { overlay, readOptions } from './options.ts'
import { type Format, print } from './output.ts'
import { formatFacts } from './table.ts'

/** Prints `/status`. */
export const statusCommand = async (format: Format): Promise<number> => {
  const { answer } = await askOps(readOptions(overlay(undefined, {}, [])), '/status')
  const status = answer as Status
  await print(format, status, () => show(status))
  return 0
}

/** 0 when ready, 1 when not: for a container's HEALTHCHECK. */
export const healthcheckCommand = async (format: Format): Promise<number> => {
  const asked = await askOps(readOptions(overlay(undefined, {}, [])), '/readyz')
  const answer = asked.answer as Pick<Status, 'state' | 'reason'>
  const ready = asked.status === 200
  await print(
    format,
    { ready, ...answer },
    () => `${ready ? 'ready' : 'not ready'}: ${answer.state}${answer.reason === '' ? '' : ` (${answer.reason})`}`,
  )
  return ready ? 0 : 1
}

const show = (status: Status): string =>
  formatFacts([
    ['state', `${status.state} since ${status.since}`],
    ['next', status.next],
    ...(status.startup === undefined ? [] : [['start', showStart(status.startup, status.phases.at(-1))] as const]),
    ...(status.reason === '' ? [] : [['reason', status.reason] as const]),
    ...(status.adjustments ?? []).map((sentence) => ['adjusted', sentence] as const),
    ['model', status.model === undefined ? '-' : status.model.id],
    ['profile', status.profile?.id ?? '-'],
    [
      'engine',
      `${status.engine.name ?? '-'}${status.engine.pid === undefined ? '' : `, pid ${status.engine.pid}`}${status.engine.url === undefined ? '' : `, ${status.engine.url}`}`,
    ],
    ['restarts', String(status.restarts)],
    ...(status.stall === undefined ? [] : [['last stall', `${status.stall.sentence} (${status.stall.at})`] as const]),
    ...status.phases.map((phase) => [`phase ${phase.name}`, showPhase(phase)] as const),
  ])

const showStart = (start: StartStatus, phase: PhaseStatus | undefined): string => `${start.verdict}: ${describeStart(start, phase)}`

const showPhase = ({ startMs, endMs, done, total, detail }: PhaseStatus): string =>
  [
    endMs === undefined ? 'running' : formatDuration(endMs - startMs),
    ...(done === undefined || total === undefined || total === 0 ? [] : [`${Math.floor((100 * done) / total)}%`]),
    ...(detail === undefined ? [] : [detail]),
  ].join(', ')
