/** Published start-ups, and each as the command line of `aim fit` that replays it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FitFlags } from '../../src/cli/fit-options.ts'
import { modelOf, readFitFlags } from '../../src/cli/fit-question.ts'
import { type FitReport, fitReport } from '../../src/recipes/fit-report.ts'

/** Where they are; `AIM_SHARED` names another folder. */
export const fixtures = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures')
const sample = join(fixtures, 'measured-startups-sample.jsonl')

/** One line of the sample: what was asked, and what the engine's log said. Null is not stated. */
export type Measured = {
  readonly model_id: string
  readonly gpu: string | null
  readonly vllm_version: string | null
  readonly gpu_count_tp: number
  readonly pp: number
  readonly vram_gib_per_gpu: number | null
  readonly gpu_memory_utilization: number | null
  readonly max_model_len: number | null
  readonly max_num_batched_tokens: number | null
  readonly max_num_seqs: number | null
  readonly kv_cache_dtype: string | null
  readonly quantization: string | null
  readonly spec_tokens?: number
  readonly notes: string
  readonly expect_fail?: boolean
  readonly model_loading_gib: number | null
  readonly available_kv_gib: number | null
  readonly kv_cache_tokens: number | null
  readonly max_concurrency: number | null
}

/** All of them; undefined where they are not on this machine. */
export const measuredStarts = (): readonly Measured[] | undefined =>
  existsSync(sample)
    ? readFileSync(sample, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Measured)
    : undefined

/** A start that vLLM refused: it was said so, or less than nothing was left for the KV cache. */
export const failed = ({ expect_fail, available_kv_gib: left }: Measured): boolean => expect_fail === true || (left !== null && left <= 0)

/** The model's config.json: its own, or that of the model which somebody quantized. Undefined where there is none. */
export const configOf = ({ model_id, quantization }: Measured): { readonly path: string; readonly method?: string } | undefined => {
  const [name = ''] = model_id.split(' (')
  const at = (id: string) => join(fixtures, 'model-configs', `${id.replace('/', '__')}.json`)
  if (existsSync(at(name))) return { path: at(name), ...(name === model_id ? {} : methodOf(model_id, quantization)) }
  const base = at(`Qwen/${name.split('/')[1]?.replace(/-NVFP4$/, '')}`)
  return existsSync(base) ? { path: base, method: 'nvfp4' } : undefined
}

const methodOf = (name: string, quantization: string | null): { readonly method?: string } =>
  /int4|awq/i.test(name) ? { method: 'awq' } : quantization === null ? {} : { method: quantization }

/** The options of `aim fit` that ask for the same; a GPU that nobody named is left out. */
export const flagsOf = (start: Measured): FitFlags => {
  const { notes } = start
  const speculative = start.spec_tokens === undefined ? undefined : { method: 'mtp', num_speculative_tokens: start.spec_tokens }
  const stated: Readonly<Record<string, unknown>> = {
    gpu: start.gpu ?? undefined,
    vram: start.vram_gib_per_gpu ?? undefined,
    count: start.gpu_count_tp * start.pp,
    engineVersion: start.vllm_version ?? undefined,
    tensorParallelSize: start.gpu_count_tp,
    pipelineParallelSize: start.pp > 1 ? start.pp : undefined,
    gpuMemoryUtilization: start.gpu_memory_utilization ?? undefined,
    maxModelLen: start.max_model_len ?? undefined,
    maxNumBatchedTokens: start.max_num_batched_tokens ?? undefined,
    maxNumSeqs: start.max_num_seqs ?? /max_num_seqs (\d+)/.exec(notes)?.[1],
    kvCacheDtype: start.kv_cache_dtype ?? undefined,
    ...weightsOf(start),
    attentionBackend: notes.includes('ROCM_AITER_UNIFIED_ATTN') ? 'ROCM_AITER_UNIFIED_ATTN' : undefined,
    speculativeConfig: speculative === undefined ? undefined : JSON.stringify(speculative),
    blockSize: /\bblock (\d+)/.exec(notes.replace(/attention block \d+/, ''))?.[1],
    enforceEager: notes.includes('enforce_eager') || undefined,
    languageModelOnly: notes.includes('--language-model-only') || undefined,
  }
  return Object.fromEntries(
    Object.entries(stated).flatMap(([key, value]) => (value === undefined ? [] : [[key, value === true ? true : String(value)]])),
  )
}

/** Of a copy whose own configuration is nowhere: what the log says of it, else as the method that it names would have it. */
const weightsOf = (start: Measured): Readonly<Record<string, unknown>> => {
  const method = configOf(start)?.method
  const checkpoint = /checkpoint ([\d.]+) GiB/.exec(start.notes)?.[1]
  // Another start of the same copy says it as well.
  const logged = [start, ...(measuredStarts() ?? [])].find((other) => other.model_id === start.model_id && other.model_loading_gib !== null)
  const loaded = method === undefined || logged === undefined ? undefined : (logged.model_loading_gib ?? 0) * logged.gpu_count_tp
  const bytes = checkpoint ?? loaded?.toFixed(2)
  return bytes === undefined ? { quantization: method } : { weightsBytes: `${bytes}GiB` }
}

/** The same options as words. */
export const wordsOf = (flags: FitFlags): readonly string[] =>
  Object.entries(flags).flatMap(([key, value]) => {
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    return value === true ? [flag] : [flag, String(value)]
  })

/** The answer of `aim fit`; undefined without a configuration. `instead` goes over the start's own options. */
export const replay = (start: Measured, instead: FitFlags = {}): FitReport | undefined => {
  const found = configOf(start)
  if (found === undefined) return undefined
  const { asked, problems } = readFitFlags({ ...flagsOf(start), ...instead }, [])
  if (problems.length > 0) throw new Error(`${start.model_id}: ${problems.join('; ')}`)
  if (asked.card === undefined) return undefined
  const { facts, converted } = modelOf(JSON.parse(readFileSync(found.path, 'utf8')), [], asked)
  return fitReport({
    ...{ model: start.model_id, facts, card: asked.card, gpuCount: asked.gpuCount ?? 1, arguments: asked.arguments },
    ...(converted === undefined ? {} : { converted }),
    ...(asked.engineVersion === undefined ? {} : { engineVersion: asked.engineVersion }),
  })
}
