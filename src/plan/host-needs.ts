/** What an engine's arguments ask of the host's memory, page cache and cores. */

import { hostMarginBytes } from '../model/host-fit.ts'
import { decimal } from '../recipes/numbers.ts'
import type { Arguments } from '../recipes/setup.ts'
import { formatBytes, gib } from '../std/bytes.ts'

/**
 * Arguments that keep GiB of tensors in pinned host memory: for all GPUs together, or for each (vLLM config/cache.py, config/offload.py). Not
 * `swap-space`, of which vLLM's present engine takes nothing (vLLM #36216).
 */
const pinned: readonly (readonly [name: string, each: boolean])[] = [
  ['kv-offloading-size', false],
  ['cpu-offload-gb', true],
]

/** One of them in force. */
export type Buffer = { readonly name: string; readonly bytes: number }

/** The pinned buffers of so many GPUs. */
export const pinnedBuffers = (args: Arguments, gpuCount: number): readonly Buffer[] =>
  pinned.flatMap(([name, each]) => {
    const size = decimal(args[name])
    return size === undefined || size <= 0 ? [] : [{ name, bytes: gib(size) * (each ? gpuCount : 1) }]
  })

/** Formats whose files are mapped, so that all ranks read one copy from the page cache; others stream past it. */
const mapped: ReadonlySet<string> = new Set(['auto', 'safetensors', 'hf', 'pt', 'mistral', 'npcache'])

/** Bytes of the page cache by which every rank after the first finds the weights in memory; undefined where they are not mapped. */
export const pageCacheFor = (args: Arguments, weightsBytes: number | undefined): number | undefined =>
  mapped.has(String(args['load-format'] ?? 'auto')) ? weightsBytes : undefined

/** Cores below which ranks wait for one another: one for the API server, one for the engine's core, one for each worker (vLLM optimization guide). */
export const coresFor = (gpuCount: number): number => 2 + gpuCount

/** Of each worker and of the rest together what was measured with a model of 2 MB (0.32): below it the kernel kills one while it loads. */
const leastWorkerBytes = gib(2)

/** Host memory without which an engine on GPUs cannot start. */
export const leastMemoryBytes = (buffers: readonly Buffer[], gpuCount: number): number =>
  buffers.reduce((sum, { bytes }) => sum + bytes, hostMarginBytes + gpuCount * leastWorkerBytes)

/** Each buffer in words: `64 GiB pinned by kv-offloading-size`. */
export const buffersInWords = (buffers: readonly Buffer[]): readonly string[] =>
  buffers.map(({ name, bytes }) => `${formatBytes(bytes)} pinned by ${name}`)
