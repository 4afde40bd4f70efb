/** AMD's words for whether a profile is a choice. */

/** In AMD's order, which is that of its reports. */
export const states = [
  'compatible',
  'gpu_mismatch',
  'precision_mismatch',
  'model_mismatch',
  'engine_mismatch',
  'metric_mismatch',
  'unknown',
] as const
/** One of `states`. */
export type State = (typeof states)[number]
