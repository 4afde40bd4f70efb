import type { PhaseName, PhaseSign } from './adapter.ts'

/**
 * Fragments of vLLM's log that show how far a start is (seen in 0.23 to 0.32). They drive progress only: readiness is a matter of
 * answers. `done` and `total` are named groups.
 */
const signs: readonly (readonly [RegExp, PhaseName])[] = [
  [/non-default args:/, 'config'],
  [/Resolved architecture: (?<detail>\S+)/, 'config'],
  [/Using max model len/, 'config'],
  [/Initializing a V1 LLM engine/, 'engine'],
  [/world_size=\d+ rank=\d+ local_rank=\d+/, 'engine'],
  [/Starting to load model|Loading model from scratch/, 'weights'],
  [/(?:Loading|Multi-thread loading)\b[^:%]*?:?\s+\d{1,3}% Completed \| (?<done>\d+)\/(?<total>\d+)/, 'weights'],
  [/Loading weights took (?<detail>[\d.]+ seconds)/, 'weights'],
  [/Model loading took (?<detail>[\d.]+ GiB)/, 'weights'],
  [/torch\.compile (?:and initial profiling\/warmup run together )?took/, 'compile'],
  [/Using cache directory: .* for vLLM's torch\.compile|Warming up model for the compilation|saved AOT compiled function/, 'compile'],
  [/Dynamo bytecode transform time|Compiling a graph for|Directly load/, 'compile'],
  // AITER's JIT (aiter/jit/core.py); ranks that wait for another's build say so.
  [/\b(?:start|finish) build \[(?<detail>[^\]]+)\]|waiting for baton release at/, 'kernel-jit'],
  [/Initial profiling\/warmup run took|Profiling CUDA graph memory|Estimated CUDA graph memory/, 'profile'],
  [/Available KV cache memory: (?<detail>-?[\d.]+ GiB)/, 'kv-cache'],
  [/(?:GPU|CPU) KV cache size: (?<detail>[\d,]+ tokens)/, 'kv-cache'],
  [/Compile and warming up model for size (?<detail>\d+)/, 'capture'],
  [/Capturing CUDA graphs?[^:]*:\s+\d{1,3}%\|[^|]*\|\s*(?<done>\d+)\/(?<total>\d+)/, 'capture'],
  [/Graph capturing finished/, 'capture'],
  [/init engine \(profile, create kv cache, warmup model\) took/, 'http'],
  [/Starting vLLM (?:API )?server/, 'http'],
]

/** Any of them, for the flood of lines that hold none: one search instead of one for each. */
const anySign = new RegExp(signs.map(([{ source }]) => source.replaceAll(/\?<\w+>/g, '?:')).join('|'))

/** Lines that come also from an engine that stands still: access lines of our own probes, and vLLM's notice that it waits. */
const standstill = /"(?:GET|HEAD|POST) \/\S* HTTP\/|No available shared memory broadcast block/

/** Every pattern by which a line is a sign, or shows an engine that stands still. */
export const signPatterns: readonly RegExp[] = [...signs.map(([pattern]) => pattern), standstill]

/** Whether a line shows that a start moves. */
export const showsProgress = (line: string): boolean => !standstill.test(line)

/** What an engine may have to do for a request of a shape that it has not seen. */
const forRequests: ReadonlySet<PhaseName | undefined> = new Set<PhaseName>(['kernel-jit', 'compile', 'capture'])

/**
 * Whether a line of an engine that is asked shows work that it counts nowhere: a kernel or a graph that is built for a request. Not of the
 * API server, whose lines may hold what users sent.
 */
export const showsWork = (line: string): boolean => forRequests.has(readPhase(line)?.phase) && !/^\(APIServer/i.test(line)

/** What one line says about the start; undefined for the many that say nothing. */
export const readPhase = (line: string): PhaseSign | undefined => {
  if (!anySign.test(line)) return undefined
  for (const [pattern, phase] of signs) {
    const match = pattern.exec(line)
    if (match === null) continue
    const { done, total, detail } = match.groups ?? {}
    return {
      phase,
      ...(done === undefined || total === undefined ? {} : { done: Number(done), total: Number(total) }),
      ...(detail === undefined ? {} : { detail }),
    }
  }
  return undefined
}
