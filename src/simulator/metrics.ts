/** What a metric is called, of which kind it is, and what it counts. Buckets are upper bounds; `+Inf` is added. */
export type MetricDefinition = {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly buckets?: readonly number[]
}

/** Label names to values. */
export type Labels = Readonly<Record<string, string>>

/** Metrics that are kept and shown as Prometheus text, format 0.0.4. A counter's name is given and shown with its `_total`. */
export type Registry = {
  readonly add: (name: string, labels: Labels, amount?: number) => void
  readonly set: (name: string, labels: Labels, value: number) => void
  readonly observe: (name: string, labels: Labels, value: number) => void
  readonly text: () => string
}

type Histogram = { readonly counts: number[]; sum: number; count: number }
type Series = { value: number; readonly histogram: Histogram }

const escapeValue = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const labelText = (labels: Labels): string =>
  Object.keys(labels)
    .sort()
    .map((name) => `${name}="${escapeValue(labels[name] ?? '')}"`)
    .join(',')

const braces = (text: string): string => (text === '' ? '' : `{${text}}`)

// Python's floats always carry a point or an exponent; some readers of vLLM's text expect that.
const float = (value: number): string => {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value)
}

const histogramLines = (name: string, labels: string, series: Series, buckets: readonly number[]): readonly string[] => {
  const before = labels === '' ? '' : `${labels},`
  const { histogram } = series
  return [
    ...[...buckets, Number.POSITIVE_INFINITY].map(
      (bound, index) => `${name}_bucket{${before}le="${float(bound)}"} ${float(histogram.counts[index] ?? 0)}`,
    ),
    `${name}_count${braces(labels)} ${float(histogram.count)}`,
    `${name}_sum${braces(labels)} ${float(histogram.sum)}`,
  ]
}

/** An empty registry of these metrics; one that has no series yet is shown with its HELP and TYPE alone. */
export const createRegistry = (definitions: Readonly<Record<string, MetricDefinition>>): Registry => {
  const all = new Map<string, Map<string, Series>>(Object.keys(definitions).map((name) => [name, new Map()]))
  const seriesOf = (name: string, labels: Labels): Series => {
    const family = all.get(name)
    if (family === undefined) throw new Error(`no metric is called ${name}`)
    const key = labelText(labels)
    const buckets = definitions[name]?.buckets ?? []
    const series = family.get(key) ?? { value: 0, histogram: { counts: Array(buckets.length + 1).fill(0), sum: 0, count: 0 } }
    family.set(key, series)
    return series
  }
  const familyLines = (name: string): readonly string[] => {
    const { type, help, buckets = [] } = definitions[name] ?? { type: 'gauge', help: '' }
    const head = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
    const series = [...(all.get(name) ?? [])]
    if (type === 'histogram') return [...head, ...series.flatMap(([labels, entry]) => histogramLines(name, labels, entry, buckets))]
    return [...head, ...series.map(([labels, entry]) => `${name}${braces(labels)} ${float(entry.value)}`)]
  }
  return {
    add: (name, labels, amount = 1) => {
      seriesOf(name, labels).value += amount
    },
    set: (name, labels, value) => {
      seriesOf(name, labels).value = value
    },
    observe: (name, labels, value) => {
      const { histogram } = seriesOf(name, labels)
      for (const [index, bound] of [...(definitions[name]?.buckets ?? []), Number.POSITIVE_INFINITY].entries())
        if (value <= bound) histogram.counts[index] = (histogram.counts[index] ?? 0) + 1
      histogram.sum += value
      histogram.count += 1
    },
    text: () => `${Object.keys(definitions).flatMap(familyLines).join('\n')}\n`,
  }
}
