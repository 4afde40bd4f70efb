/**
 * AMD's runtime 0.9 as a second opinion, from its variables to the file that it would run: written from the description of its behaviour, and
 * sharing nothing with ours.
 */

/** One file of a tree: its path below `profiles/`, and what stands in it. */
export type AmdFile = {
  readonly path: string
  readonly aim_id?: string
  readonly metadata: {
    readonly gpu: string
    readonly gpu_count: number
    readonly precision: string
    readonly metric: string
    readonly type: string
    readonly manual_selection_only: boolean
  }
}

/** What its detection finds: equal GPUs, or none. */
export type AmdMachine = { readonly gpu?: string; readonly amount: number }

/** The path of the file that it runs, or the end of it: no profile, or variables that it ends over. */
export type AmdAnswer = { readonly file: string } | { readonly none: 'no profile' | 'variables' }

const precisions = ['int4', 'int8', 'fp4', 'fp8', 'fp16', 'bf16', 'fp32']
const types = ['optimized', 'preview', 'unoptimized', 'general']

/** Its twenty GPU names, and the two words that are none. */
const models = [
  ...['MI100', 'MI210', 'MI250', 'MI250X', 'MI300A', 'MI300X', 'MI308X', 'MI325X', 'MI350X', 'MI355X'],
  ...['V620', 'V710', 'W6800', 'W7800', 'W7900', 'R9700', 'RX6800', 'RX6900', 'RX7900', 'AIMAX395'],
]

type Environment = Readonly<Record<string, string | undefined>>

const oneOf = (value: string | undefined, words: readonly string[], otherwise: string): string =>
  value !== undefined && words.includes(value) ? value : otherwise

// Of the words that say no, all others are yes: a slip too.
const fallbackOf = (value: string | undefined): boolean => !['false', 'no', '0'].includes((value ?? 'true').toLowerCase())

const countOf = (value: string | undefined, named: boolean, detected: number): number => {
  if (value !== undefined && /^\s*[+-]?\d+\s*$/.test(value)) return Number(value)
  return named ? 1 : detected
}

const treeOf = (path: string): 0 | 1 | 2 => (path.startsWith('custom/') ? 0 : path.startsWith('general/') ? 2 : 1)

/** The id that AIM_PROFILE_ID names a file by: NAME, general/NAME, custom/ORG/MODEL/NAME, custom/general/NAME. */
export const idOf = ({ path, aim_id = 'general' }: AmdFile): string => {
  const name = path.replace(/^.*\/|\.yaml$/g, '')
  return [`custom/${aim_id}/${name}`, name, `general/${name}`][treeOf(path)] ?? name
}

/** What it would run. */
export const amdRuns = (tree: readonly AmdFile[], environment: Environment, { gpu: detected = 'NONE', amount }: AmdMachine): AmdAnswer => {
  const { AIM_ID: aimId = '', AIM_MODEL_ID: modelId = '', AIM_PROFILE_ID: pinned = '' } = environment
  if ((aimId === '') === (modelId === '')) return { none: 'variables' }
  if (!Number.isInteger(Number((environment.AIM_PORT ?? '8000') || 'x'))) return { none: 'variables' }
  // A model profile is looked for only under AIM_ID.
  const searched = tree.filter(({ path }) => treeOf(path) !== 1 || (aimId !== '' && path.startsWith(`${aimId}/`)))
  if (pinned !== '') {
    const found = searched.find((file) => idOf(file) === pinned)
    return found === undefined ? { none: 'no profile' } : { file: found.path }
  }
  const wanted = oneOf(environment.AIM_PRECISION?.toLowerCase(), precisions, 'auto')
  const metric = oneOf(environment.AIM_METRIC, ['latency', 'throughput'], 'latency')
  const named = oneOf(environment.AIM_GPU_MODEL?.toUpperCase(), models, 'NONE')
  const count = countOf(environment.AIM_GPU_COUNT, named !== 'NONE', amount)
  const fallback = fallbackOf(environment.AIM_ALLOW_GENERAL_PROFILE_FALLBACK)
  const passing = searched.filter(
    ({ aim_id, metadata }) =>
      metadata.metric === metric &&
      (aim_id === undefined || aim_id === aimId) &&
      metadata.gpu === (named === 'NONE' ? detected : named) &&
      metadata.gpu_count === count &&
      (wanted === 'auto' || metadata.precision === wanted) &&
      !metadata.manual_selection_only &&
      (aim_id !== undefined || fallback),
  )
  const key = ({ path, metadata }: AmdFile): number =>
    treeOf(path) * 100 + precisions.indexOf(metadata.precision) * 10 + types.indexOf(metadata.type)
  const [best] = passing.toSorted((a, b) => key(a) - key(b))
  return best === undefined ? { none: 'no profile' } : { file: best.path }
}
