/** What earlier starts were seen to take, and what that says of the next one. */

import { formatBytes } from '../std/bytes.ts'
import { isRecord } from '../std/json.ts'
import { imageMinor, minorOf } from './engine-version.ts'
import type { Setup } from './fit.ts'

/** One start of an engine by its own log; bytes of one GPU. `setup` is what its fit had been asked. */
export type Boot = {
  /** When, as ISO 8601 has it. */
  readonly at: string
  /** The weights: `org/name`, or the path of a directory. */
  readonly repository: string
  readonly setup: Setup
  readonly weightsBytes?: number
  /** How long their loading took, seconds. */
  readonly loadSeconds?: number
  /** Left for the KV cache; below zero where not even the rest fitted. */
  readonly cacheBytes?: number
  readonly graphBytes?: number
  /** It did not start: there was not memory enough, of the KV cache for a request of `contextLength` tokens where that is given. */
  readonly refused?: { readonly contextLength?: number }
}

/** What a setup's own earlier starts say of it. */
export type Measured = Pick<Boot, 'at' | 'weightsBytes' | 'cacheBytes' | 'graphBytes'> & {
  /** What the engine could claim then, by which what it took follows from what it left. */
  readonly utilization?: number
  /** Least tokens of a request that was refused, with at least as much memory as now; `start`: nothing at all would start. */
  readonly refused?: number | 'start'
}

/** Of a setup, what may differ between two starts that take the same besides their KV cache. */
const free: ReadonlySet<string> = new Set([
  ...['vramBytes', 'contextLength', 'utilization', 'engineVersion', 'measured'],
  ...['cacheType', 'cacheBytes', 'prefixCaching', 'decodeContext'],
])

const runOf = (repository: string, setup: Setup): string =>
  JSON.stringify([
    repository,
    minorOf(setup.engineVersion) ?? imageMinor,
    Object.entries(setup)
      .filter(([name]) => !free.has(name))
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ])

/** What is known of a setup for these weights; undefined when nothing like it was started here. */
export const measuredBy = (boots: readonly Boot[], repository: string, setup: Setup): Measured | undefined => {
  const run = runOf(repository, setup)
  const same = boots.filter((boot) => runOf(boot.repository, boot.setup) === run).toSorted((a, b) => (a.at < b.at ? 1 : -1))
  const started = same.find(({ refused }) => refused === undefined)
  const last = started ?? same.find(({ weightsBytes }) => weightsBytes !== undefined) ?? same[0]
  if (last === undefined) return undefined
  const { at, weightsBytes, cacheBytes, graphBytes } = last
  const utilization = last.setup.utilization
  // Where another start served, with a shorter context it may be, the engine may have a way out again.
  const refused = started === undefined ? refusalFor(same, setup) : undefined
  return defined({
    at,
    weightsBytes,
    cacheBytes: last.setup.cacheBytes === undefined ? cacheBytes : undefined,
    graphBytes,
    utilization,
    refused,
  })
}

/** Those count that had at least as much memory. */
const refusalFor = (boots: readonly Boot[], setup: Setup): Measured['refused'] => {
  const richer = boots.filter(({ setup: then }) => (then.utilization ?? 1) >= (setup.utilization ?? 1) && !lessCache(then, setup))
  if (richer.some(({ refused }) => refused !== undefined && refused.contextLength === undefined)) return 'start'
  // A token of another type takes less or more.
  const alike = richer.filter(({ setup: then }) => tokenOf(then) === tokenOf(setup))
  const lengths = alike.flatMap(({ refused }) => refused?.contextLength ?? [])
  return lengths.length > 0 ? Math.min(...lengths) : undefined
}

const tokenOf = ({ cacheType = 'auto', decodeContext = 1 }: Setup): string => `${cacheType}/${decodeContext}`

const lessCache = (then: Setup, now: Setup): boolean =>
  then.cacheBytes !== undefined && then.cacheBytes < (now.cacheBytes ?? Number.POSITIVE_INFINITY)

/** At most so many are kept, the newest. */
const kept = 24

/** The boots with one more. One that served takes the place of all of its run; a refusal only that of the same refusal before it. */
export const withBoot = (boots: readonly Boot[], boot: Boot): readonly Boot[] => {
  const run = runOf(boot.repository, boot.setup)
  const told = ({ refused, setup: { utilization, cacheType } }: Boot): string => JSON.stringify([refused, utilization, cacheType])
  const replaced = (other: Boot) =>
    runOf(other.repository, other.setup) === run && (boot.refused === undefined || told(other) === told(boot))
  return [boot, ...boots.filter((other) => !replaced(other))].slice(0, kept)
}

/** Reads what somebody wrote, which may be anything: what is no start, or no possible one, is left out. */
export const parseBoots = (text: string): readonly Boot[] => {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value.flatMap(bootOf) : []
  } catch {
    return []
  }
}

const bootOf = (value: unknown): readonly Boot[] => {
  if (!isRecord(value) || !isRecord(value.setup)) return []
  const { at, repository, setup, refused } = value
  const { vramBytes, tensor } = setup
  if (typeof at !== 'string' || Number.isNaN(Date.parse(at)) || typeof repository !== 'string') return []
  if (!isAmount(vramBytes) || !isAmount(tensor)) return []
  const bytes = (amount: unknown, least: number) =>
    amount === undefined || (typeof amount === 'number' && amount >= least && amount <= vramBytes)
  const { weightsBytes, loadSeconds, cacheBytes, graphBytes } = value
  if (loadSeconds !== undefined && !isAmount(loadSeconds)) return []
  if (!bytes(weightsBytes, 1) || !bytes(cacheBytes, -vramBytes) || !bytes(graphBytes, -vramBytes)) return []
  if (Number(weightsBytes ?? 0) + Number(cacheBytes ?? 0) > vramBytes) return []
  if (refused !== undefined && !(isRecord(refused) && (refused.contextLength === undefined || isAmount(refused.contextLength)))) return []
  return [value as unknown as Boot]
}

const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value > 0

/** What was learned, as a sentence. */
export const learnedInWords = ({ at, weightsBytes, cacheBytes, graphBytes, refused }: Measured): string => {
  const figures = [
    ...(weightsBytes === undefined ? [] : [`${formatBytes(weightsBytes)} of weights`]),
    ...(cacheBytes === undefined ? [] : [`${cacheBytes < 0 ? '-' : ''}${formatBytes(Math.abs(cacheBytes))} left for the KV cache`]),
    ...(graphBytes === undefined || graphBytes < 0 ? [] : [`${formatBytes(graphBytes)} of graphs`]),
  ]
  const what = figures.length === 0 ? '' : `: ${figures.join(', ')}`
  const start = `the start of ${at.slice(0, 16).replace('T', ' ')} with the same arguments on such a GPU`
  if (refused === undefined) return `memory corrected by what the engine logged in ${start}${what}`
  return refused === 'start' ? `${start} ended for lack of memory${what}` : `${start} was refused for a request of ${refused} tokens${what}`
}

type Maybe<T> = { readonly [K in keyof T]: T[K] | undefined }

const defined = (measured: Maybe<Measured>): Measured =>
  Object.fromEntries(Object.entries(measured).filter(([, value]) => value !== undefined)) as unknown as Measured
