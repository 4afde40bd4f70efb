import { formatBytes, gib } from '../std/bytes.ts'
import { formatDuration } from '../std/duration.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { moreMemory } from './diagnose-host.ts'
import { type Finding, fatal, odd } from './finding.ts'
import { usableMemory } from './question.ts'
import type { HubSymptoms, ModelSymptoms, Symptoms, Trouble } from './symptoms.ts'

/** What is wrong on the way to the model and with the room for it: hub, token, clock, plan, host memory. */
export const diagnoseModel = ({ hub, model, clockMs, inventory, onCpu }: Symptoms): readonly Finding[] => [
  ...(hub === undefined ? [] : hubFindings(hub, model)),
  ...(clockMs === undefined ? [] : clock(clockMs, hub)),
  // Without a GPU nothing else could be said than that there is none.
  ...(model?.trouble === undefined || (inventory.gpus.length === 0 && !onCpu) ? [] : [noPlan(model.trouble)]),
  ...(model === undefined ? [] : memoryFor(model, inventory.host)),
]

const noPlan = ({ exitCode, message, fix }: Trouble): Finding => fatal(exitCode, message, 'the model cannot be served here', fix)

const hubFindings = ({ endpoint, withToken, silent, trouble }: HubSymptoms, model: ModelSymptoms | undefined): readonly Finding[] => {
  const isNeeded = model !== undefined && model.downloadBytes !== 0
  const why = isNeeded
    ? `${model.id} is not whole in the cache and has to come from there`
    : 'a model that is not in the cache cannot be fetched'
  if (silent === true) {
    const what = `the hub ${endpoint} does not answer within 3 s`
    return [isNeeded ? fatal(exitCodes.temporary, what, why, wayToHub) : odd(what, why, wayToHub)]
  }
  if (trouble === undefined) return []
  const { exitCode, message, fix } = trouble
  const whose = exitCode === exitCodes.permission && !withToken ? ' (no token was given: HF_TOKEN is not set)' : ''
  return [isNeeded ? fatal(exitCode, `${message}${whose}`, why, fix) : odd(`${message}${whose}`, why, fix)]
}

const wayToHub =
  'let HTTPS pass to it, set HTTPS_PROXY, or name a mirror by HF_ENDPOINT; with the model in the cache already, HF_HUB_OFFLINE=1 asks nobody'

/** Signed addresses of storage hosts live for minutes (S3 refuses a clock that is 15 min off), and certificates have dates. */
const mostSkewMs = 5 * 60_000

/** No machine that runs this had such a time: before the first release, or after the certificates of today are gone. */
const nonsense = (ms: number): boolean => ms < Date.UTC(2025, 0) || ms > Date.UTC(2100, 0)

const clock = (ms: number, hub: HubSymptoms | undefined): readonly Finding[] => {
  const skew = hub?.dateMs === undefined ? 0 : ms - hub.dateMs
  const mend = 'set the clock of the host (chrony, systemd-timesyncd): a container has the clock of its host'
  const why = 'TLS certificates and signed addresses of downloads have dates, and are refused'
  if (Math.abs(skew) > mostSkewMs)
    return [odd(`the clock is ${formatDuration(Math.abs(skew))} ${skew > 0 ? 'ahead of' : 'behind'} that of ${hub?.endpoint}`, why, mend)]
  return nonsense(ms) ? [odd(`the clock says ${new Date(ms).toISOString()}`, why, mend)] : []
}

const memoryFor = (model: ModelSymptoms, host: Symptoms['inventory']['host']): readonly Finding[] => {
  const { id, memoryBytes, weightsBytes, gpus = 0 } = model
  const usable = usableMemory(host)
  const findings: Finding[] = []
  if (memoryBytes !== undefined && usable !== undefined && usable < memoryBytes) {
    const what = `this container may use ${formatBytes(usable)} of memory, and ${id} needs about ${formatBytes(memoryBytes)}`
    findings.push(odd(what, 'the engine is killed by the kernel when it gets less', moreMemory(memoryBytes)))
  } else if (gpus > 0 && weightsBytes !== undefined && host.memoryLimitBytes !== undefined && host.memoryLimitBytes < weightsBytes) {
    const what = `this container may use ${formatBytes(host.memoryLimitBytes)} of memory, and the weights of ${id} have ${formatBytes(weightsBytes)}`
    const why = 'they are read through the page cache, which cannot hold them: each rank and each restart reads them from the disk again'
    findings.push(odd(what, why, moreMemory(weightsBytes + gib(8))))
  }
  return findings
}
