import { type Metric, metrics, type Precision, precisions } from './profile.ts'

/** What an id is made of; `gpuCount` 0 is the CPU, which runs as one rank. */
export type IdParts = {
  readonly engine: string
  readonly gpu: string
  readonly gpuCount: number
  readonly precision: Precision
  readonly metric: Metric
}

/** `vllm-mi300x-fp8-tp1-latency`: the name that AMD's images give such a profile. */
export const profileId = ({ engine, gpu, gpuCount, precision, metric }: IdParts): string =>
  `${engine}-${gpu.toLowerCase()}-${precision}-tp${Math.max(1, gpuCount)}-${metric}`

/** A general profile's id, told apart by its folder as in AMD's images. */
export const generalId = (parts: IdParts): string => `general/${profileId(parts)}`

/** An id as a person writes it: any case, with the file's ending, and AMD's `mxfp4`, which its profiles declare as precision fp4. */
export const canonicalId = (id: string): string =>
  id
    .toLowerCase()
    .replace(/\.ya?ml$/, '')
    .replace('-mxfp4-', '-fp4-')

/** What a general id names; undefined when it is none. */
export const readGeneralId = (id: string): Omit<IdParts, 'engine'> | undefined => {
  const [, gpu = '', format = '', ways = '', goal = ''] = /^general\/[a-z]+-(.+)-([a-z]+\d+)-tp(\d+)-([a-z]+)$/.exec(id) ?? []
  const precision = precisions.find((name) => name === format)
  const metric = metrics.find((name) => name === goal)
  return precision === undefined || metric === undefined
    ? undefined
    : { gpu, precision, metric, gpuCount: gpu === 'cpu' ? 0 : Number(ways) }
}
