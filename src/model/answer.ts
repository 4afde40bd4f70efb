/** From the parts of a GPU's memory to what it holds of a KV cache. */

import { type CacheSetup, capacityOf, type Layout, largestRequest, layoutOf } from './cache-groups.ts'
import type { CacheLayers } from './cache-layers.ts'
import { alignedStates, batchesInFlight, tokensFromBlocks } from './engine-version.ts'
import type { ModelFacts } from './facts.ts'
import type { Fit, Resolved, Setup, Verdict } from './fit.ts'
import type { Spread } from './overhead-table.ts'

/** What the engine may claim of a GPU at a utilization, bytes. */
export const budgetOf = ({ vramBytes }: Setup, utilization: number): number => Math.min(vramBytes, Math.ceil(vramBytes * utilization))

/** The parts of one GPU's memory; `kv` from the worst case to the best. */
export type Parts = Pick<Fit, 'overhead' | 'budgetBytes' | 'outsideBytes'> & { readonly weights: number; readonly kv: Spread }

/** The answer to a setup whose parts are known. */
export const answer = (facts: ModelFacts, setup: Resolved, { weights, overhead, budgetBytes, outsideBytes, kv }: Parts): Fit => {
  const { low: kvBytesLeast, median: kvBytes, high: kvBytesMost } = kv
  const layout = layoutFor(facts, setup)
  const limit = facts.contextLength ?? setup.contextLength
  const context = setup.contextLength ?? facts.contextLength
  const blocks = (bytes: number) => (layout === undefined ? 0 : Math.max(0, Math.floor(bytes / layout.blockBytes)))
  const holds = (bytes: number) =>
    bytes > 0 && (layout === undefined || blocks(bytes) >= Math.max(1, context === undefined ? 1 : layout.blocksFor(context)))
  const verdict: Verdict = holds(kvBytesLeast) && layout !== undefined ? 'fits' : holds(kvBytesMost) ? 'likely' : 'no'
  const reach = (bytes: number) => (layout === undefined || limit === undefined ? undefined : largestRequest(layout, blocks(bytes), limit))
  const capacity =
    layout === undefined || context === undefined ? undefined : capacityOf(layout, kvBytes, context, tokensFromBlocks(setup.minor))
  return known({
    verdict,
    fits: verdict !== 'no',
    budgetBytes,
    weightsBytesPerGpu: weights,
    overhead,
    marginBytes: budgetBytes - weights - kvBytes,
    outsideBytes,
    kvBytes,
    kvBytesLeast,
    kvBytesMost,
    requestBytes: layout === undefined || context === undefined ? undefined : layout.blocksFor(context) * layout.blockBytes,
    contextLength: context,
    cacheTokens: capacity?.tokens,
    concurrency: capacity?.concurrency,
    largestContext: reach(kvBytes),
    safeContext: reach(kvBytesLeast),
    unknown: unknownOf(facts, layout),
    learned: undefined,
  })
}

type Maybe<T> = { readonly [K in keyof T]: T[K] | undefined }

const known = (answer: Maybe<Fit>): Fit =>
  Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== undefined)) as unknown as Fit

const unknownOf = (facts: ModelFacts, layout: Layout | undefined): readonly string[] => [
  ...(facts.shape === undefined ? ['no more than the size of the weights is known: they are taken to divide evenly'] : []),
  ...(layout === undefined ? ['what a token costs in the KV cache is not known: the context was not checked'] : []),
]

/** Bytes of an element and of a head's scales, by `--kv-cache-dtype` (vLLM kv_cache_interface.py). */
const elementOf = (type: string | undefined, own: number): Pick<CacheSetup, 'elementBytes' | 'headBytes'> => {
  if (type === undefined || type === 'auto') return { elementBytes: own, headBytes: 0 }
  if (type.startsWith('nvfp4')) return { elementBytes: 0.5 + 1 / 16, headBytes: 0 }
  const headBytes = type.endsWith('_per_token_head') ? 8 : 0
  if (type.startsWith('int4')) return { elementBytes: 0.5, headBytes }
  return { elementBytes: /^(?:fp8|int8)/.test(type) ? 1 : 2, headBytes }
}

const layoutFor = (facts: ModelFacts, setup: Resolved): Layout | undefined => {
  const layers = cacheOf(facts, setup)
  if (layers === undefined) return undefined
  return layoutOf(layers, {
    ...elementOf(setup.cacheType, facts.shape?.cacheElementBytes ?? 2),
    tensor: setup.tensor,
    pipeline: setup.pipeline ?? 1,
    context: setup.decodeContext ?? 1,
    blockSize: setup.blockSize ?? 16,
    alignment: setup.blockAlignment ?? 16,
    inFlight: setup.batchedTokens * batchesInFlight(setup.minor),
    speculative: setup.speculativeTokens ?? 0,
    alignedState: setup.prefixCaching ?? alignedStates(setup.minor),
  })
}

/** Without a shape, a constant cost per token stands for one layer of as many heads. */
const cacheOf = ({ shape, kvBytesPerToken, kvHeads }: ModelFacts, { drafting, tensor }: Setup): readonly CacheLayers[] | undefined => {
  if (shape !== undefined) return drafting === true ? shape.draftCache : shape.cache
  if (kvBytesPerToken === undefined) return undefined
  const heads = kvHeads ?? tensor
  return [{ kind: 'attention', layers: 1, heads, elements: kvBytesPerToken / heads / 2, latent: heads === 1, fixedBytes: 0 }]
}
