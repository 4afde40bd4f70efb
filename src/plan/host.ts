/** What a launch asks of the machine around the GPUs, by rules that are said with their result. */

import type { Host } from '../hardware/inventory.ts'
import type { ModelFacts } from '../model/facts.ts'
import { hostMarginBytes } from '../model/host-fit.ts'
import type { Profile } from '../recipes/profile.ts'
import { formatBytes, gib } from '../std/bytes.ts'
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

/** Resources and a sentence for each: the profile's where it says so, else the rule's. `cpuCacheBytes` is the KV cache held in host memory. */
export const resourcesOf = (
  { gpuCount, resources }: Profile,
  { facts, artifact }: ModelSource,
  engine: Request['engine'],
  cpuCacheBytes: number,
): Resources => {
  const rule = gpuCount > 0 ? hostMemoryBytes(gpuCount) : onCpu(facts, cpuCacheBytes)
  // The simulator loads nothing: its needs are not the engine's.
  const memoryBytes = resources.memoryBytes ?? (engine === 'simulator' ? undefined : rule)
  const shmBytes = resources.shmBytes ?? (gpuCount > 1 ? sharedMemoryBytes : undefined)
  return {
    gpus: gpuCount,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(shmBytes === undefined ? {} : { shmBytes }),
    ...(resources.cpus === undefined ? {} : { cpus: resources.cpus }),
    ...(artifact === undefined || facts.weightsBytes === undefined ? {} : { downloadBytes: facts.weightsBytes }),
  }
}

const onCpu = ({ weightsBytes }: ModelFacts, cpuCacheBytes: number): number | undefined =>
  weightsBytes === undefined ? undefined : weightsBytes + cpuCacheBytes + hostMarginBytes

/** Why the resources are what they are, and where the machine has less. */
export const resourceReasons = ({ gpus, memoryBytes, shmBytes }: Resources, { resources }: Profile, host: Host): readonly string[] => [
  ...(memoryBytes === undefined || resources.memoryBytes !== undefined
    ? []
    : [
        `host memory ${formatBytes(memoryBytes)}: 4.0 GiB for the engine's own processes and ${
          gpus > 0 ? '4.0 GiB for each GPU' : 'the weights and the KV cache'
        }`,
      ]),
  ...(memoryBytes !== undefined && memoryBytes > (usableMemory(host) ?? memoryBytes)
    ? [`the container may use only ${formatBytes(usableMemory(host) ?? 0)} of memory`]
    : []),
  ...(shmBytes === undefined || resources.shmBytes !== undefined
    ? []
    : [`/dev/shm ${formatBytes(shmBytes)}: the ranks of several GPUs talk through it`]),
  ...(shmBytes !== undefined && host.shmBytes !== undefined && host.shmBytes < shmBytes
    ? [`/dev/shm has only ${formatBytes(host.shmBytes)}: give it more (docker run --shm-size ${Math.ceil(shmBytes / gib(1))}g)`]
    : []),
]
