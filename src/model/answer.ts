/** From the parts of a GPU's memory to what it holds of a KV cache. */

import { formatBytes } from '../std/bytes.ts'
import { type CacheSetup, capacityOf, type Layout, largestRequest, layoutOf } from './cache-groups.ts'
import type { CacheLayers } from './cache-layers.ts'
import { alignedStates, batchesInFlight, tokensFromBlocks } from './engine-version.ts'
import type { ModelFacts } from './facts.ts'
import type { Fit, Resolved, Setup, Verdict } from './fit.ts'
import type { Spread } from './overhead-table.ts'

/** What the engine may claim of a GPU at a utilization, bytes. */
export const budgetOf = ({ vramBytes }: Setup, utilization: number): number => Math.min(vramBytes, Math.ceil(vramBytes * utilization))

/** The parts of one GPU's memory; `kv` from the worst case to the best. */
export type Parts = Pick<Fit, 'overhead' | 'budgetBytes' | 'outsideBytes'> & { readonly weights: Spread; readonly kv: Spread }

/** The answer to a setup whose parts are known. */
export const answer = (facts: ModelFacts, setup: Resolved, { weights, overhead, budgetBytes, outsideBytes, kv }: Parts): Fit => {
  const { low: kvBytesLeast, median: kvBytes, high: kvBytesMost } = kv
  const layout = layoutFor(facts, setup)
  const limit = facts.contextLength ?? setup.contextLength
  const context = setup.contextLength ?? facts.contextLength
  const blocks = (bytes: number) => (layout === undefined ? 0 : Math.max(0, Math.floor(bytes / layout.blockBytes)))
  const holds = (bytes: number) =>
    bytes > 0 && (layout === undefined || blocks(bytes) >= Math.max(1, context === undefined ? 1 : layout.blocksFor(context)))
  const known = facts.shape !== undefined || facts.bounds === undefined
  const verdict: Verdict = holds(kvBytesLeast) && layout !== undefined && known ? 'fits' : holds(kvBytesMost) ? 'likely' : 'no'
  const reach = (bytes: number) => (layout === undefined || limit === undefined ? undefined : largestRequest(layout, blocks(bytes), limit))
  const capacity =
    layout === undefined || context === undefined ? undefined : capacityOf(layout, kvBytes, context, tokensFromBlocks(setup.minor))
  const most = layout === undefined ? tokenBytesMost(facts, setup) : undefined
  return defined({
    verdict,
    fits: verdict !== 'no',
    budgetBytes,
    weightsBytesPerGpu: weights.median,
    overhead,
    marginBytes: budgetBytes - weights.median - kvBytes,
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
    unknown: unknownOf(facts, layout, weights, most, kvBytes),
    learned: undefined,
  })
}

type Maybe<T> = { readonly [K in keyof T]: T[K] | undefined }

const defined = (answer: Maybe<Fit>): Fit =>
  Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== undefined)) as unknown as Fit

const unknownOf = (
  facts: ModelFacts,
  layout: Layout | undefined,
  weights: Spread,
  most: number | undefined,
  kvBytes: number,
): readonly string[] => [
  ...(facts.shape === undefined ? [weightsUnknown(facts, weights)] : []),
  ...(layout === undefined ? [cacheUnknown(facts, most, kvBytes)] : []),
]

const weightsUnknown = ({ architecture = 'the architecture', bounds, weightsBytes }: ModelFacts, { low, high }: Spread): string => {
  if (bounds === undefined || weightsBytes === undefined)
    return 'no more than the size of the weights is known: they are taken to divide evenly'
  const [least, most] = [formatBytes(low), formatBytes(high)]
  const share = least === most ? most : `${least} to ${most}`
  return `${architecture} is not understood, so these are bounds: its weights are ${formatBytes(weightsBytes)} by their files' headers, each GPU takes ${share} for them`
}

const cacheUnknown = ({ bounds, contextLength }: ModelFacts, most: number | undefined, kvBytes: number): string => {
  if (most === undefined) return 'what a token costs in the KV cache is not known: the context was not checked'
  const tokens = Math.max(0, Math.floor(kvBytes / most))
  const fitting =
    contextLength !== undefined && tokens >= contextLength ? `all ${contextLength} tokens of its context` : `about ${tokens} tokens or more`
  return [
    `a token takes at most ${formatBytes(most)} of each GPU's KV cache, by the widths of the key, value and latent projections, and may take less: ${fitting} fit`,
    ...(bounds?.stateful === true ? ['but for a state that some layers keep of each request, of a size that is not known'] : []),
  ].join(', ')
}

/** Of a decoder that is not understood: every layer keeps all that its projections put out, of every token, undivided where heads are not known to divide. */
const tokenBytesMost = ({ bounds }: ModelFacts, { tensor, pipeline = 1, cacheType }: Resolved): number | undefined => {
  if (bounds?.cacheElements === undefined) return undefined
  const { elementBytes } = elementOf(cacheType, 2)
  const stage = Math.ceil(bounds.layers / pipeline) / Math.max(1, bounds.layers)
  const { heads, whole } = bounds.cacheElements
  return (whole + heads / Math.min(tensor, bounds.kvHeads)) * elementBytes * stage
}

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
