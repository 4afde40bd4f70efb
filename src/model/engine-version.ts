/** What changed in vLLM's accounting, by minor version (planner facts 0 to 3 name each change). */

/** The minor of `v0.31.1rc1.dev23+g43b4aaea3` is 31; undefined for a text that holds none. */
export const minorOf = (version: string | undefined): number | undefined => {
  const commits = /0\.1\.dev(\d+)/.exec(version ?? '')?.[1]
  if (commits !== undefined) return minorOfCommit(Number(commits))
  const match = /(?:^|[^\d.])v?0\.(\d+)/.exec(` ${version ?? ''}`)
  const minor = match === null ? undefined : Number(match[1])
  return minor === undefined || minor < 5 ? undefined : minor
}

/** Commits on vLLM's main when a minor came out, about: a build without the repository's tags calls itself 0.1 and counts them. */
const releases: readonly (readonly [commits: number, minor: number])[] = [
  ...([
    [5000, 8],
    [6500, 9],
    [8000, 10],
    [9800, 11],
    [11500, 12],
    [12200, 13],
    [13500, 15],
    [15000, 17],
    [17000, 20],
  ] as const),
]

/** Beyond the table a build counts as the newest. */
const minorOfCommit = (commits: number): number | undefined =>
  commits >= 19_000 ? undefined : releases.findLast(([since]) => commits >= since)?.[1]

/** The engine in our image, where nobody names another. */
export const imageMinor = 32

/** `--gpu-memory-utilization` where nobody sets it (#38284). */
export const defaultUtilization = (minor: number): number => (minor >= 21 ? 0.92 : 0.9)

/** Whether graphs are taken out of the budget (CUDA since 0.21, ROCm since 0.26, #48526); before, they came on top of it. */
export const graphsInBudget = (minor: number, rocm: boolean): boolean => minor >= (rocm ? 26 : 21)

/** Batches of tokens that can be under way beside a window: two with asynchronous scheduling (#47728). */
export const batchesInFlight = (minor: number): number => (minor >= 26 ? 2 : 1)

/** Whether the log's tokens were blocks of one group and not requests times their length (before #41069). */
export const tokensFromBlocks = (minor: number): boolean => minor <= 20

/** Whether a hybrid's states are kept at block edges for prefix caching unless told otherwise. */
export const alignedStates = (minor: number): boolean => minor >= 20

/** Whether the profile run ended in a sampler's pass over all sequences' logits (planner facts 3: H100 0.11; not seen since 0.29). */
export const samplerCounts = (minor: number): boolean => minor <= 14

/** `--max-num-batched-tokens` and `--max-num-seqs` where nobody sets them, by the GPU's memory (engine/arg_utils.py; #51726). */
export const defaultBatch = (
  minor: number,
  vramBytes: number,
  product: string | undefined,
): { readonly tokens: number; readonly sequences: number } => {
  // Left out by name.
  if (product?.startsWith('A100')) return { tokens: 2048, sequences: 256 }
  const memory = vramBytes / 1024 ** 3
  if (memory >= 160 && minor >= 28) return { tokens: 16384, sequences: 1024 }
  return memory >= 70 ? { tokens: 8192, sequences: 1024 } : { tokens: 2048, sequences: 256 }
}

/**
 * Whether what is left of a tensor's segment always counts as its own: not in CUDA's 0.10 to 0.12 (torch 2.8 and 2.9), but in ROCm's 0.11 and
 * later, which were built against newer ones, and in 0.28.
 */
export const wholeSegments = (minor: number, rocm: boolean): boolean => rocm || minor >= 20
