/**
 * How well the fit says what published start-ups measured: `npm run bench fit [ROUNDS]`. Each is asked as `aim fit` asks; errors are relative to
 * what the engine's log said. Beside it the size of a choice among 10,000 profiles against the same among ten.
 */
import { formatTable } from '../../src/cli/table.ts'
import { gib } from '../../src/std/bytes.ts'
import { configOf, failed, fixtures, flagsOf, type Measured, measuredStarts, replay } from './measured.ts'
import { catalogs, timeOfChoice } from './selection.ts'
import { median } from './summary.ts'

const rounds = Number(process.argv[3] ?? 15)
const write = (text: string): void => void process.stdout.write(text)

/** The value that nine tenths of the others do not exceed. */
const p90 = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.ceil(0.9 * values.length) - 1] ?? Number.NaN

const errorOf = (predicted: number | undefined, measured: number): number => Math.abs((predicted ?? 0) / measured - 1)

type Score = (start: Measured) => number | undefined

/** A GPU that nobody named has no say in what weights take, nor in what a cache of a known size holds. */
const any = (start: Measured) => (start.gpu === null ? { gpu: 'H100' } : {})

const weights: Score = (start) => {
  const { model_loading_gib: loaded } = start
  const answer = loaded === null || flagsOf(start).weightsBytes !== undefined ? undefined : replay(start, any(start))
  return answer === undefined || loaded === null ? undefined : errorOf(answer.fit.weightsBytesPerGpu, gib(loaded))
}

const cache: Score = (start) => {
  const { available_kv_gib: left, kv_cache_tokens: tokens } = start
  if (left === null || left <= 0 || tokens === null) return undefined
  const answer = replay(start, { ...any(start), kvCacheMemoryBytes: String(Math.round(gib(left))) })
  return answer === undefined ? undefined : errorOf(answer.fit.cacheTokens, tokens)
}

const available: Score = (start) => {
  const { available_kv_gib: left } = start
  const answer = left === null || left <= 0 ? undefined : replay(start)
  return answer === undefined || left === null ? undefined : errorOf(answer.fit.kvBytes, gib(left))
}

const tokens: Score = (start) => {
  const { kv_cache_tokens: logged } = start
  const answer = logged === null ? undefined : replay(start)
  return answer === undefined || logged === null ? undefined : errorOf(answer.fit.cacheTokens, logged)
}

/** Whether the log's own KV cache lies between the worst and the best case. */
const inside = (start: Measured): boolean | undefined => {
  const { available_kv_gib: left } = start
  const fit = left === null ? undefined : replay(start)?.fit
  return fit === undefined || left === null ? undefined : gib(left) >= fit.kvBytesLeast && gib(left) <= fit.kvBytesMost
}

/** Its own configuration says how each of its tensors is kept; of a copy that somebody quantized otherwise nobody here knows. */
const stated = (start: Measured): boolean => configOf(start)?.method === undefined

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

const row = (name: string, starts: readonly Measured[], score: Score): readonly string[] => {
  const errors = starts.map(score).filter((error) => error !== undefined)
  return [name, String(errors.length), percent(median(errors)), percent(p90(errors)), percent(Math.max(...errors))]
}

const scores = (all: readonly Measured[]): void => {
  const [own, copies] = [all.filter(stated), all.filter((start) => !stated(start))]
  const rows = [
    row('weights', own, weights),
    row('KV tokens of a cache of the logged size', all, cache),
    row('KV cache, end to end', own, available),
    row('KV tokens, end to end', own, tokens),
    row('KV tokens, copies of unknown quantization', copies, tokens),
  ]
  write(`${formatTable(['against the log', 'starts', 'median', 'p90', 'worst'], rows)}\n`)
  const judged = all.flatMap((start) => {
    const verdict = replay(start)?.fit.verdict
    return verdict === undefined ? [] : [{ start, verdict }]
  })
  const [bad, good] = [judged.filter(({ start }) => failed(start)), judged.filter(({ start }) => !failed(start))]
  const between = all.map(inside).filter((answer) => answer !== undefined)
  write(
    [
      '',
      `failed starts called a fit: ${bad.filter(({ verdict }) => verdict === 'fits').length} of ${bad.length}`,
      `successful starts refused: ${good.filter(({ verdict }) => verdict === 'no').length} of ${good.length}`,
      `KV cache between the worst and the best case: ${between.filter(Boolean).length} of ${between.length}`,
      `not asked, for no configuration or GPU of theirs is known: ${all.length - judged.length} of ${all.length}`,
      '',
    ].join('\n'),
  )
}

const choices = async (): Promise<void> => {
  const { ten, tenThousand } = await catalogs()
  for (let round = 0; round < 50; round++) [ten, tenThousand].map(timeOfChoice)
  const times = Array.from({ length: rounds }, () => [timeOfChoice(ten), timeOfChoice(tenThousand)] as const)
  const more = times.map(([few, many]) => many - few)
  write(
    `\na choice among 10,000 profiles takes ${median(more).toFixed(2)} ms more than among 10 (median of ${rounds}; at most 5 is asked)\n`,
  )
}

const all = measuredStarts()
if (all === undefined)
  write(`no measured starts in ${fixtures}: the fit was not scored; AIM_SHARED names the folder that holds fixtures/\n`)
else scores(all)
await choices()
