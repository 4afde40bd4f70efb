/** The memory of one GPU as a stacked bar: what the engine will find it divided into. */
import type { Fit } from '../model/fit.ts'
import { formatBytes } from '../std/bytes.ts'
import { cellsOf } from './bar.ts'
import type { Paint } from './paint.ts'
import { wrap } from './wrap.ts'

type Part = { readonly name: string; readonly bytes: number; readonly mark: string; readonly colour: Parameters<Paint>[0] }

/** Bar, legend and verdict; `width` columns at most. Each part has a mark of its own, so that no colour is needed to tell them apart. */
export const memoryBar = (fit: Fit, vramBytes: number, width: number, paint: Paint): readonly string[] => {
  const parts = partsOf(fit, vramBytes)
  const amounts = parts.map(({ bytes }) => bytes)
  const total = amounts.reduce((sum, bytes) => sum + bytes, 0)
  const cells = cellsOf(amounts, total, Math.min(width, 80) - 4)
  const bar = parts.map(({ mark, colour }, at) => paint(colour, mark.repeat(cells[at] ?? 0))).join('')
  const legend = parts.map(({ mark, name, bytes }) => `${mark} ${name} ${formatBytes(bytes)}`.replaceAll(' ', '\u00a0')).join('  ')
  const lines = wrap(legend, width, '  ').map((line) => line.replaceAll('\u00a0', ' ').trimEnd())
  return [`  ${bar}`, ...lines, ...wrap(verdict(fit), width, '  ')]
}

const partsOf = (fit: Fit, vramBytes: number): readonly Part[] => {
  const { weightsBytesPerGpu, marginBytes, outsideBytes, budgetBytes, requestBytes = 0 } = fit
  const cache = Math.max(0, fit.kvBytes)
  const one = Math.min(cache, requestBytes)
  const parts: readonly Part[] = [
    { name: 'weights', bytes: weightsBytesPerGpu, mark: '█', colour: 'blue' },
    { name: 'engine', bytes: Math.max(0, marginBytes) + outsideBytes, mark: '▓', colour: 'magenta' },
    { name: 'KV cache, one request', bytes: one, mark: '▒', colour: 'green' },
    { name: one === 0 ? 'KV cache' : 'KV cache, more', bytes: cache - one, mark: '░', colour: 'green' },
    { name: 'left free', bytes: Math.max(0, vramBytes - budgetBytes - outsideBytes), mark: '·', colour: 'dim' },
  ]
  return parts.filter(({ bytes }) => bytes > 0)
}

const words = {
  fits: 'fits, also in the worst case',
  likely: 'fits if the engine takes no more than is usual',
  no: 'does not fit',
} as const

const number = (value: number): string => Math.floor(value).toLocaleString('en-US')

const verdict = ({ verdict: kind, cacheTokens, contextLength, concurrency, largestContext, unknown }: Fit): string =>
  [
    words[kind],
    ...(cacheTokens === undefined ? [] : [`about ${number(cacheTokens)} tokens of KV cache`]),
    ...(contextLength === undefined || concurrency === undefined
      ? []
      : [`${concurrency.toFixed(1)} requests of ${number(contextLength)} tokens at once`]),
    ...(largestContext === undefined ? [] : [`the longest request that fits has ${number(largestContext)}`]),
    ...unknown,
  ].join('; ')
