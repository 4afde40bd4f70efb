/**
 * Whether a start moves though its log is silent: a load that reads, or takes memory, gets on. Pure: one sample of the engine's tree after
 * the other is folded. Time on the CPU is the weakest witness, because a start that hangs may spin (a rank that waits for another does): it
 * counts for twice the limit after the last better sign, so that a start that only computes is given three times the limit in all.
 */

/** One process of the tree; a process is its pid and its start time. */
export type ProcessSample = {
  readonly id: string
  readonly cpuMs: number
  /** Bytes that went through read and write calls; 0 where the kernel does not tell. */
  readonly bytes: number
  /** Pages in memory, mapped files included. */
  readonly pages: number
}

/** The tree at one moment. `lines`: what the engine has said so far; `gpuBytes`: memory in use on its GPUs, undefined when unknown. */
export type TreeSample = {
  readonly at: number
  readonly processes: readonly ProcessSample[]
  readonly gpuBytes: number | undefined
  readonly lines: number
}

/** What showed that a start moves. */
export type Witness = 'log' | 'bytes' | 'memory' | 'gpu-memory' | 'cpu'

/** The fold's state. */
export type Movement = {
  readonly last: TreeSample
  /** Bytes since the window began. */
  readonly bytes: number
  readonly windowFrom: number
  /** The most that was seen: growth beyond it cannot go on for ever, so it is a good sign. */
  readonly mostPages: number
  readonly mostGpuBytes: number
  /** When something better than CPU time was seen last. */
  readonly provedAt: number
}

/** Less than this in a window is noise of threads that wake up and look at each other; a slow disk reads that much in a second. */
const leastBytes = 1024 ** 2
/** 1 MiB in pages of 4 KiB. */
const leastPages = 256
/** A quarter of the limit: noise of a few hundred bytes a second does not add up to a megabyte in it. */
const windowShare = 0.25
/** Share of one CPU: a process that waits wakes up now and then. */
const leastCpu = 0.1
/** How long CPU time alone counts, in limits. */
const cpuLimits = 2

/** The first sample. */
export const firstSample = (sample: TreeSample): Movement => ({
  last: sample,
  bytes: 0,
  windowFrom: sample.at,
  mostPages: pagesOf(sample),
  mostGpuBytes: sample.gpuBytes ?? 0,
  provedAt: sample.at,
})

/** Folds a sample in; `moved` is the best witness that something happened since the last one. */
export const notice = (
  before: Movement,
  sample: TreeSample,
  stallMs: number,
): { readonly next: Movement; readonly moved: Witness | undefined } => {
  const grown = growth(before.last, sample)
  const bytes = before.bytes + grown.bytes
  const pages = pagesOf(sample)
  const proof: Witness | undefined =
    sample.lines > before.last.lines
      ? 'log'
      : bytes >= leastBytes
        ? 'bytes'
        : pages >= before.mostPages + leastPages
          ? 'memory'
          : (sample.gpuBytes ?? 0) >= before.mostGpuBytes + leastBytes
            ? 'gpu-memory'
            : undefined
  const fresh = proof !== undefined || sample.at - before.windowFrom >= stallMs * windowShare
  const provedAt = proof === undefined ? before.provedAt : sample.at
  const busy = grown.cpuMs >= leastCpu * (sample.at - before.last.at) && grown.cpuMs > 0
  return {
    next: {
      last: sample,
      bytes: fresh ? 0 : bytes,
      windowFrom: fresh ? sample.at : before.windowFrom,
      mostPages: proof === undefined ? before.mostPages : Math.max(before.mostPages, pages),
      mostGpuBytes: proof === undefined ? before.mostGpuBytes : Math.max(before.mostGpuBytes, sample.gpuBytes ?? 0),
      provedAt,
    },
    moved: proof ?? (busy && sample.at - provedAt <= cpuLimits * stallMs ? 'cpu' : undefined),
  }
}

const pagesOf = ({ processes }: TreeSample): number => processes.reduce((sum, { pages }) => sum + pages, 0)

/** By process: one that ended takes its figures with it, and a new one brings its own. */
const growth = (before: TreeSample, after: TreeSample): { readonly bytes: number; readonly cpuMs: number } => {
  const known = new Map(before.processes.map((entry) => [entry.id, entry]))
  return after.processes.reduce(
    (sum, { id, bytes, cpuMs }) => ({
      bytes: sum.bytes + Math.max(0, bytes - (known.get(id)?.bytes ?? 0)),
      cpuMs: sum.cpuMs + Math.max(0, cpuMs - (known.get(id)?.cpuMs ?? 0)),
    }),
    { bytes: 0, cpuMs: 0 },
  )
}
