/** What a launch asks of the machine around the GPUs, by rules that are said with their result. */

import type { Host } from '../hardware/inventory.ts'
import type { ModelFacts } from '../model/facts.ts'
import { hostMarginBytes } from '../model/host-fit.ts'
import type { Profile } from '../recipes/profile.ts'
import type { Refusal } from '../recipes/refusal.ts'
import type { Arguments } from '../recipes/setup.ts'
import { formatBytes, gib, mib } from '../std/bytes.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { buffersInWords, coresFor, leastMemoryBytes, pageCacheFor, pinnedBuffers } from './host-needs.ts'
import type { ModelSource, Resources } from './launch.ts'
import { usableMemory } from './question.ts'
import type { Request } from './request.ts'

/** Largest KV cache that is taken unasked on a CPU: beyond it a CPU is not fast enough to use it. GiB. */
const mostCpuCache = 40

/**
 * KV cache on the CPU in whole GiB, as vLLM's variable wants it: a quarter of the memory that may be used, at most what the weights leave
 * and at most 40, at least 1.
 */
export const cpuCacheGib = (host: Host, facts: ModelFacts): number => {
  const memory = usableMemory(host) ?? 0
  const left = memory - (facts.weightsBytes ?? 0) - hostMarginBytes
  return Math.max(1, Math.min(mostCpuCache, Math.floor(Math.min(memory / 4, left) / gib(1))))
}

/** VLLM_CPU_KVCACHE_SPACE for a launch on the CPU; nothing when the user said how much himself. */
export const cpuCache = (profile: Profile, request: Request, host: Host, source: ModelSource): Readonly<Record<string, string>> => {
  const said = request.engineEnvironment?.VLLM_CPU_KVCACHE_SPACE ?? request.engineArguments['kv-cache-memory-bytes']
  return profile.gpuCount > 0 || said !== undefined ? {} : { VLLM_CPU_KVCACHE_SPACE: String(cpuCacheGib(host, source.facts)) }
}

/** /dev/shm for more than one rank: 8 GiB is what vLLM's own advice against `Insufficient space in /dev/shm` begins with. */
export const sharedMemoryBytes = gib(8)

/** Host memory of one GPU worker: 2.0 GB were measured for a tiny model, twice that leaves room for pinned buffers. */
const workerBytes = gib(4)

/** Host memory in bytes of an engine on so many GPUs: its own processes and one worker per GPU. */
export const hostMemoryBytes = (gpuCount: number): number => hostMarginBytes + gpuCount * workerBytes

/** What resources follow from besides the profile. `cpuCacheBytes` is the KV cache held in host memory. */
export type HostQuestion = {
  readonly engine: Request['engine']
  /** The profile's arguments with the user's over them. */
  readonly arguments: Arguments
  readonly cpuCacheBytes: number
}

/** Host resources: the profile's where it says so, else the rule's. The simulator loads nothing: its needs are not the engine's. */
export const resourcesOf = (
  { gpuCount, resources }: Profile,
  { facts, artifact }: ModelSource,
  { engine, arguments: args, cpuCacheBytes }: HostQuestion,
): Resources => {
  const real = engine !== 'simulator'
  const buffers = pinnedBuffers(args, gpuCount).reduce((sum, { bytes }) => sum + bytes, 0)
  const rule = gpuCount > 0 ? hostMemoryBytes(gpuCount) + buffers : onCpu(facts, cpuCacheBytes)
  return defined({
    gpus: gpuCount,
    memoryBytes: resources.memoryBytes ?? (real ? rule : undefined),
    shmBytes: resources.shmBytes ?? (gpuCount > 1 ? sharedMemoryBytes : undefined),
    cpus: resources.cpus ?? (real && gpuCount > 0 ? coresFor(gpuCount) : undefined),
    pageCacheBytes: real && gpuCount > 0 ? pageCacheFor(args, facts.weightsBytes) : undefined,
    downloadBytes: artifact === undefined ? undefined : facts.weightsBytes,
  })
}

type Maybe<T> = { readonly [K in keyof T]: T[K] | undefined }

const defined = (resources: Maybe<Resources>): Resources =>
  Object.fromEntries(Object.entries(resources).filter(([, value]) => value !== undefined)) as unknown as Resources

const onCpu = ({ weightsBytes }: ModelFacts, cpuCacheBytes: number): number | undefined =>
  weightsBytes === undefined ? undefined : weightsBytes + cpuCacheBytes + hostMarginBytes

/** Why the resources are what they are, and where the machine has less: what will be slow is said with its number. */
export const resourceReasons = (needed: Resources, profile: Profile, { arguments: args }: HostQuestion, host: Host): readonly string[] => [
  ...memoryReasons(needed, profile, args, host),
  ...shmReasons(needed, profile, host),
  ...cpuReasons(needed, profile, host),
  ...pageCacheReasons(needed, host),
]

const memoryReasons = ({ gpus, memoryBytes }: Resources, { resources }: Profile, args: Arguments, host: Host): readonly string[] => {
  const usable = usableMemory(host)
  if (memoryBytes === undefined) return []
  const parts = [
    `4.0 GiB for the engine's own processes and ${gpus > 0 ? '4.0 GiB for each GPU' : 'the weights and the KV cache'}`,
    ...buffersInWords(pinnedBuffers(args, gpus)),
  ]
  return [
    ...(resources.memoryBytes === undefined ? [`host memory ${formatBytes(memoryBytes)}: ${parts.join(', ')}`] : []),
    ...(memoryBytes > (usable ?? memoryBytes) ? [`the container may use only ${formatBytes(usable ?? 0)} of memory`] : []),
  ]
}

/** One ring of messages between vLLM's processes: ten chunks of 16 MiB (device_communicators/shm_broadcast.py). */
const queueBytes = mib(160)

/** No refusal: older versions touch no more of a ring than their messages take, and may get by. */
const tooSmallForQueue = (bytes: number): string =>
  bytes >= queueBytes
    ? ''
    : `, less than one ring of vLLM's messages takes (${formatBytes(queueBytes)}): it refuses to start, or dies with a bus error`

const shmReasons = ({ shmBytes }: Resources, { resources }: Profile, host: Host): readonly string[] =>
  shmBytes === undefined
    ? []
    : [
        ...(resources.shmBytes === undefined ? [`/dev/shm ${formatBytes(shmBytes)}: the ranks of several GPUs talk through it`] : []),
        ...(host.shmBytes !== undefined && host.shmBytes < shmBytes
          ? [
              `/dev/shm has only ${formatBytes(host.shmBytes)}${tooSmallForQueue(host.shmBytes)}: give it more (docker run --shm-size ${Math.ceil(shmBytes / gib(1))}g)`,
            ]
          : []),
      ]

const cpuReasons = ({ gpus, cpus }: Resources, { resources }: Profile, host: Host): readonly string[] => {
  if (cpus === undefined) return []
  const why = resources.cpus === undefined ? ': one for the API server, one for the engine core, one for each GPU' : ''
  // A machine that is only imagined has no memory, and the cores of this one.
  const slow = usableMemory(host) !== undefined && host.cpus < cpus
  return [
    ...(why === '' ? [] : [`${cpus} CPUs${why}`]),
    ...(slow
      ? [`only ${host.cpus} of ${cpus} CPUs can be used: the ranks of ${gpus === 1 ? 'the GPU' : `${gpus} GPUs`} will wait for one another`]
      : []),
  ]
}

const pageCacheReasons = ({ memoryBytes = 0, pageCacheBytes }: Resources, host: Host): readonly string[] => {
  const usable = usableMemory(host)
  if (pageCacheBytes === undefined || usable === undefined || usable - memoryBytes >= pageCacheBytes) return []
  const left = Math.max(0, usable - memoryBytes)
  return [
    `the page cache holds ${formatBytes(left)} of the ${formatBytes(pageCacheBytes)} of weights: loading will be slow, each rank and each restart reads them from the disk again`,
  ]
}

/** Why this machine cannot run it whatever the GPUs have, or undefined: too little host memory even for what was seen to be the least. */
export const hostRefusal = (profile: Profile, { engine, arguments: args }: HostQuestion, host: Host): Refusal | undefined => {
  const usable = usableMemory(host)
  if (engine === 'simulator' || profile.gpuCount === 0 || usable === undefined) return undefined
  const buffers = pinnedBuffers(args, profile.gpuCount)
  const least = leastMemoryBytes(buffers, profile.gpuCount)
  if (usable >= least) return undefined
  const parts = [`4.0 GiB for its processes`, `2.0 GiB for each of ${profile.gpuCount} GPUs`, ...buffersInWords(buffers)]
  return {
    kind: 'refusal',
    exitCode: exitCodes.unavailable,
    message: `cannot start ${profile.id} here: it takes at least ${formatBytes(least)} of host memory (${parts.join(', ')}); the container may use ${formatBytes(usable)}`,
    fix: `give the container more memory (docker run --memory ${Math.ceil(least / gib(1))}g)${buffers.length > 0 ? `, or less to ${buffers.map(({ name }) => name).join(' and ')}` : ''}`,
    rejected: [],
  }
}
