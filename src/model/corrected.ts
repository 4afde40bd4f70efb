/** A fit corrected by what earlier starts took. */

import { gib } from '../std/bytes.ts'
import { answer, budgetOf } from './answer.ts'
import { learnedInWords, type Measured } from './boots.ts'
import { defaultUtilization } from './engine-version.ts'
import type { ModelFacts } from './facts.ts'
import type { Fit, Resolved } from './fit.ts'
import type { Overhead } from './overhead.ts'
import type { Spread } from './overhead-table.ts'
import { exactly } from './spread.ts'

/** Weights that are so far from the count are another model's. */
const farther = 0.25

/** Whether what was measured is not believed, beside the weights as counted. */
export const isFar = ({ weightsBytes }: Measured, counted: number): boolean =>
  weightsBytes !== undefined && Math.abs(weightsBytes / counted - 1) > farther

/** Two starts with the same arguments were seen to differ by less; with a cold cache of compiled kernels one takes up to this more. */
const restartBytes = gib(0.3)

/**
 * The same from what earlier starts took. What served once can make sure of what was likely, and the other way round; what was refused, and
 * never served, does not fit.
 */
export const corrected = (facts: ModelFacts, setup: Resolved, plain: Fit, measured: Measured): Fit => {
  const weights = measured.weightsBytes ?? plain.weightsBytesPerGpu
  const then = measured.cacheBytes === undefined ? undefined : budgetOf(setup, measured.utilization ?? defaultUtilization(setup.minor))
  const taken = then === undefined || measured.cacheBytes === undefined ? undefined : Math.max(0, then - weights - measured.cacheBytes)
  const moved = plain.weightsBytesPerGpu - weights
  const left = setup.cacheBytes ?? (taken === undefined ? undefined : plain.budgetBytes - weights - taken)
  const doubt = setup.cacheBytes === undefined ? restartBytes : 0
  const better = answer(facts, setup, {
    ...{ weights: exactly(weights), budgetBytes: plain.budgetBytes },
    overhead: taken === undefined ? plain.overhead : scaledTo(plain, taken),
    outsideBytes: plain.outsideBytes === 0 ? 0 : Math.max(0, measured.graphBytes ?? plain.outsideBytes),
    kv:
      left === undefined
        ? { low: plain.kvBytesLeast + moved, median: plain.kvBytes + moved, high: plain.kvBytesMost + moved }
        : { low: left - doubt, median: left, high: left + doubt },
  })
  const refused =
    measured.refused === 'start' || (measured.refused !== undefined && (better.contextLength ?? measured.refused) >= measured.refused)
  const verdict = refused ? 'no' : better.verdict === 'no' && plain.verdict !== 'no' ? 'likely' : better.verdict
  return { ...better, verdict, fits: verdict !== 'no', learned: learnedInWords(measured) }
}

/** The overhead's parts in the proportions that were expected. */
const scaledTo = ({ overhead, outsideBytes }: Fit, taken: number): Overhead => {
  const { activations, graphs, runtime } = overhead
  const expected = activations.median + runtime.median + (outsideBytes > 0 ? 0 : graphs.median)
  const exact = ({ median }: Spread, factor: number): Spread => ({ low: median * factor, median: median * factor, high: median * factor })
  const factor = expected === 0 ? 0 : taken / expected
  return {
    activations: exact(activations, factor),
    graphs: outsideBytes > 0 ? graphs : exact(graphs, factor),
    runtime: exact(runtime, factor),
  }
}
