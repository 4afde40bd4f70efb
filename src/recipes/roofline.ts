import { peakBytesPerSecond } from '../hardware/bandwidth.ts'
import type { ModelFacts } from '../model/facts.ts'
import type { Fit } from '../model/fit.ts'

/**
 * Tokens per second of one request alone that the memory's bandwidth allows: orders of magnitude that no engine reaches. `empty` reads the
 * weights that a token is multiplied with, once; `full` a KV cache of the whole context besides.
 */
export type Roofline = { readonly empty: number; readonly full?: number }

/** The roofline of `tensor` equal GPUs of a product; undefined where its bandwidth or what a token reads is not known. */
export const rooflineOf = (product: string | undefined, facts: ModelFacts, tensor: number, fit: Fit): Roofline | undefined => {
  const [peak, read] = [product === undefined ? undefined : peakBytesPerSecond(product), facts.shape?.activeBytes]
  if (peak === undefined || read === undefined || fit.verdict === 'no') return undefined
  // Every GPU reads its part of the weights, and of the cache what it holds of the request.
  const share = read / tensor
  return { empty: peak / share, ...(fit.requestBytes === undefined ? {} : { full: peak / (share + fit.requestBytes) }) }
}
