/** The answer of `aim fit` for people: the verdict, memory as a bar and a table, what would change it. */

import type { Fit, Verdict } from '../model/fit.ts'
import type { Change, FitReport } from '../recipes/fit-report.ts'
import { formatBytes } from '../std/bytes.ts'
import { stackedBar } from './bar.ts'
import { rooflineInWords } from './roofline.ts'
import { formatTable } from './table.ts'
import { wrap } from './wrap.ts'

const words: Readonly<Record<Verdict, string>> = { fits: 'fits', likely: 'likely fits', no: 'does not fit' }

/** All lines, at most `width` columns but for single words that are longer. */
export const showFit = (report: FitReport, from: string, assumed: readonly string[], width: number): string => {
  const { model, card, gpuCount, engineVersion, fit, obstacles, changes, roofline } = report
  const kind = `${gpuCount}x ${card.product} (${card.gfx === 'cuda' ? '' : `${card.gfx}, `}${formatBytes(card.vramBytes)} each)`
  return [
    ...wrap(`${model} on ${kind}, vLLM ${engineVersion ?? 'of this image'}: ${words[fit.verdict]}`, width),
    ...[...obstacles, ...verdictLines(fit)].flatMap((line) => wrap(line, width, '  ')),
    '',
    ...memoryLines(report, width),
    ...(roofline === undefined ? [] : ['', rooflineInWords(roofline)]),
    ...(changes.length === 0 ? [] : ['', 'what would change it', ...changeLines(changes)]),
    ...notes([`model read from ${from}`, ...assumed, ...fit.unknown, ...outside(fit)], width),
  ].join('\n')
}

const count = (amount: number): string => Math.floor(amount).toLocaleString('en-US')

const verdictLines = ({
  verdict,
  contextLength,
  concurrency,
  largestContext,
  safeContext,
  kvBytesLeast,
  kvBytes,
  kvBytesMost,
  requestBytes,
}: Fit) => {
  const range = `${signed(kvBytes)} for the KV cache (${signed(kvBytesLeast)} to ${signed(kvBytesMost)})`
  const need = requestBytes === undefined ? '' : `; one request of ${count(contextLength ?? 0)} tokens takes ${formatBytes(requestBytes)}`
  return [
    `${range}${need}`,
    ...(concurrency === undefined || verdict === 'no' || contextLength === undefined
      ? []
      : [`${concurrency.toFixed(1)} such requests at once`]),
    ...(largestContext === undefined
      ? []
      : [
          `largest context: ${count(largestContext)} tokens${safeContext === largestContext ? '' : `, ${count(safeContext ?? 0)} in the worst case`}`,
        ]),
  ]
}

const signed = (bytes: number): string => (bytes < 0 ? `-${formatBytes(-bytes)}` : formatBytes(bytes))

type Row = readonly [letter: string, name: string, median: number, low?: number, high?: number]

const memoryLines = ({ fit, card }: FitReport, width: number): readonly string[] => {
  const rows = memoryRows(fit, card.vramBytes)
  const table = rows.map(([letter, name, median, low, high]) => [
    ` ${letter} ${name}`,
    signed(median),
    low === undefined || high === undefined || low === high ? '' : `${signed(low)} to ${signed(high)}`,
  ])
  return [stackedBar(rows, card.vramBytes, width), formatTable(['memory of one GPU', 'median', 'seen'], table)]
}

const memoryRows = (fit: Fit, vramBytes: number): readonly Row[] => {
  const { activations, graphs, runtime } = fit.overhead
  const rest = vramBytes - fit.budgetBytes - fit.outsideBytes
  return [
    ['W', 'weights', fit.weightsBytesPerGpu],
    ['A', 'activations', activations.median, activations.low, activations.high],
    ['R', 'runtime', runtime.median, runtime.low, runtime.high],
    ['G', fit.outsideBytes > 0 ? 'graphs, beside the budget' : 'graphs', graphs.median, graphs.low, graphs.high],
    ['K', 'KV cache', fit.kvBytes, fit.kvBytesLeast, fit.kvBytesMost],
    ['.', 'left alone (utilization)', Math.max(0, rest)],
  ]
}

const changeLines = (changes: readonly Change[]): readonly string[] =>
  formatTable(
    ['  option', 'then', 'KV cache', 'largest context', 'at once'],
    changes.map(({ words: option, verdict, kvBytes, largestContext, concurrency }) => [
      `  ${option}`,
      words[verdict],
      signed(kvBytes),
      largestContext === undefined ? '' : count(largestContext),
      concurrency === undefined ? '' : concurrency.toFixed(1),
    ]),
  ).split('\n')

const outside = ({ outsideBytes }: Fit): readonly string[] =>
  outsideBytes > 0 ? ['this version takes its graphs beside the share that it may claim'] : []

const notes = (sentences: readonly string[], width: number): readonly string[] => [
  '',
  ...sentences.flatMap((sentence) => wrap(`note: ${sentence}`, width, '      ').map((line, at) => (at === 0 ? line.trimStart() : line))),
]
