/**
 * What a start takes of a GPU besides weights and KV cache, as measured. One row for each class of GPU and range of engine versions; the
 * first that matches counts. Amounts are GiB. `low` and `high` bound what was seen (`high` the p90), `median` is in the middle.
 * Sources: planner facts 3 to 5 and the published start-ups that they cite.
 */

/** A median with its bounds. */
export type Spread = { readonly low: number; readonly median: number; readonly high: number }

/** One row of the table. */
export type OverheadRow = {
  readonly gfx: RegExp
  /** Minor versions from this on. */
  readonly since: number
  /** Context, collective and library buffers of one rank; `perPeer` is added once where ranks talk. */
  readonly runtime: Spread
  readonly perPeer: number
  /** MiB of one captured graph. */
  readonly graph: Spread
  /** What the activations' formula is multiplied with. */
  readonly activations: Spread
  /** The least that activations take in models with a tower or linear attention: the encoder's profile run, workspaces of chunks. */
  readonly specialActivations: Spread
}

const spread = (low: number, median: number, high: number): Spread => ({ low, median, high })

/** Rows in the order that they are tried. */
export const overheadTable: readonly OverheadRow[] = [
  {
    gfx: /^gfx9/,
    since: 0,
    runtime: spread(1.2, 1.9, 3.6),
    perPeer: 0.5,
    graph: spread(30, 45, 65),
    activations: spread(0.7, 0.9, 1.15),
    specialActivations: spread(0.5, 1.5, 2.5),
  },
  {
    gfx: /^gfx(?:10|11|12)/,
    since: 0,
    // One R9700 and one commit differ by 2.6 GiB with the attention backend: 0.83 to 3.43 left of the budget by an 8B Llama.
    runtime: spread(0.3, 0.9, 3.4),
    perPeer: 0.3,
    graph: spread(8, 20, 40),
    activations: spread(0.7, 1, 1.5),
    specialActivations: spread(1, 2.1, 2.4),
  },
  {
    gfx: /^/,
    since: 0,
    runtime: spread(0.05, 0.15, 0.6),
    perPeer: 0.4,
    graph: spread(3, 10, 20),
    activations: spread(0.7, 1, 1.3),
    specialActivations: spread(0.5, 1.2, 2.4),
  },
]
