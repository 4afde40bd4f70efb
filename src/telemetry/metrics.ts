/** Edge: loads prom-client and reads this process's own figures. */
import type { Registry } from 'prom-client'
import { type GpuObservation, gpuDefinitions, samplesOf } from './gpu-gauges.ts'

/** What the metrics are made from, read at scrape time; nothing is counted in two places. */
export type Figures = {
  readonly version: string
  readonly state: string
  readonly states: readonly string[]
  readonly ready: boolean
  readonly engineUp: boolean
  readonly restarts: number
  /** Engine ends by reason (a closed set). */
  readonly ends: Readonly<Record<string, number>>
  /** Failures of the engine by cause (a closed set). */
  readonly causes: Readonly<Record<string, number>>
  /** Seconds each start-up phase took or has taken so far. */
  readonly phases: Readonly<Record<string, number>>
  /** The start that is under way. */
  readonly startup?: { readonly elapsedSeconds: number; readonly stillSeconds: number; readonly etaSeconds?: number }
  /** Standstills by the phase in which they came (a closed set). */
  readonly stalls: Readonly<Record<string, number>>
  /** Tries against a failure by kind (a closed set). */
  readonly selfHelp: Readonly<Record<string, number>>
  /** GPU memory that did not come back after the last end of the engine, by device. */
  readonly heldBytes: Readonly<Record<string, number>>
  /** Seconds from our start to the first ready. */
  readonly readySeconds?: number
  readonly gpus: number
  readonly pulledBytes: number
  readonly pullBytes: number
  readonly reaped: number
  readonly droppedLines: number
}

/** Prometheus text and its content type. prom-client is loaded by the first scrape; `observe` looks at the GPUs, once per scrape. */
export const createMetrics = (
  figures: () => Figures,
  observe: () => Promise<readonly GpuObservation[]>,
): (() => Promise<{ readonly contentType: string; readonly text: string }>) => {
  let registry: Promise<Registry> | undefined
  let observed: readonly GpuObservation[] = []
  return async () => {
    registry ??= register(figures, () => observed)
    const loaded = await registry
    observed = await observe()
    return { contentType: loaded.contentType, text: await loaded.metrics() }
  }
}

type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>]
type Definition = {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  readonly read: (figures: Figures) => readonly Sample[]
}

const each = (record: Readonly<Record<string, number>>, label: string): readonly Sample[] =>
  Object.entries(record).map(([key, value]) => [value, { [label]: key }])

/** Names are public API; base units as Prometheus asks for (seconds, bytes). */
const gauges: readonly Definition[] = [
  {
    name: 'aim_build_info',
    help: 'Always 1; the version is a label.',
    labels: ['version', 'node'],
    read: (f) => [[1, { version: f.version, node: process.version }]],
  },
  {
    name: 'aim_state',
    help: 'Lifecycle state: 1 for the current one.',
    labels: ['state'],
    read: (f) => f.states.map((state) => [state === f.state ? 1 : 0, { state }]),
  },
  {
    name: 'aim_ready',
    help: 'Whether a real answer came out of the engine and nothing is known against it.',
    read: (f) => [[Number(f.ready)]],
  },
  { name: 'aim_engine_up', help: 'Whether the engine process exists.', read: (f) => [[Number(f.engineUp)]] },
  { name: 'aim_gpus', help: 'GPUs given to the engine.', read: (f) => [[f.gpus]] },
  {
    name: 'aim_startup_phase_seconds',
    help: 'Time spent in each phase of the latest start.',
    labels: ['phase'],
    read: (f) => each(f.phases, 'phase'),
  },
  {
    name: 'aim_startup_elapsed_seconds',
    help: 'Time that the start under way has taken; NaN when none is.',
    read: (f) => [[f.startup?.elapsedSeconds ?? Number.NaN]],
  },
  {
    name: 'aim_startup_still_seconds',
    help: 'Time since anything moved in the start under way; NaN when none is.',
    read: (f) => [[f.startup?.stillSeconds ?? Number.NaN]],
  },
  {
    name: 'aim_startup_eta_seconds',
    help: 'Time until ready as the last start took it; NaN when nothing is known.',
    read: (f) => [[f.startup?.etaSeconds ?? Number.NaN]],
  },
  {
    name: 'aim_startup_seconds',
    help: 'Time from our start to the first ready; NaN before.',
    read: (f) => [[f.readySeconds ?? Number.NaN]],
  },
  {
    name: 'aim_memory_held_bytes',
    help: 'GPU memory that did not come back after the last end of the engine; gone when an engine is ready again.',
    labels: ['gpu'],
    read: (f) => each(f.heldBytes, 'gpu'),
  },
  { name: 'aim_pull_bytes', help: 'Bytes of the model that the engine needs from the hub.', read: (f) => [[f.pullBytes]] },
  { name: 'process_resident_memory_bytes', help: 'Resident memory of this process.', read: () => [[process.memoryUsage.rss()]] },
]

const counters: readonly Definition[] = [
  { name: 'aim_restarts_total', help: 'Times the engine was started again.', read: (f) => [[f.restarts]] },
  {
    name: 'aim_stalls_total',
    help: 'Standstills of the engine, by phase of its start or serving.',
    labels: ['phase'],
    read: (f) => each(f.stalls, 'phase'),
  },
  {
    name: 'aim_self_help_total',
    help: 'Tries against a failure: context (started once more with the largest that fits), memory-wait (a start waited for GPU memory).',
    labels: ['kind'],
    read: (f) => each(f.selfHelp, 'kind'),
  },
  { name: 'aim_engine_ends_total', help: 'Ends of the engine by reason.', labels: ['reason'], read: (f) => each(f.ends, 'reason') },
  {
    name: 'aim_engine_failures_total',
    help: 'Ends of the engine that nobody asked for, by cause.',
    labels: ['cause'],
    read: (f) => each(f.causes, 'cause'),
  },
  { name: 'aim_pulled_bytes_total', help: 'Bytes of the model present so far, of those it needs.', read: (f) => [[f.pulledBytes]] },
  { name: 'aim_reaped_processes_total', help: 'Orphans that were adopted and reaped.', read: (f) => [[f.reaped]] },
  { name: 'aim_dropped_log_lines_total', help: 'Log lines dropped because nobody read them.', read: (f) => [[f.droppedLines]] },
  {
    name: 'process_cpu_seconds_total',
    help: 'CPU time of this process.',
    read: () => {
      const { user, system } = process.cpuUsage()
      return [[(user + system) / 1e6]]
    },
  },
]

const register = async (figures: () => Figures, observed: () => readonly GpuObservation[]): Promise<Registry> => {
  // By its default: a bundled CommonJS package has no other export when it is loaded late.
  const { Counter, Gauge, Registry } = (await import('prom-client')).default
  const registry = new Registry()
  for (const { name, help, labels = [], read } of gauges) {
    new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect() {
        this.reset()
        for (const [value, sample = {}] of read(figures())) this.set(sample, value)
      },
    })
  }
  for (const { name, help, labels = [], read } of counters) {
    new Counter({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect() {
        this.reset()
        for (const [value, sample = {}] of read(figures())) this.inc(sample, value)
      },
    })
  }
  for (const definition of gpuDefinitions) {
    const { name, help, labels } = definition
    const Metric = definition.type === 'gauge' ? Gauge : Counter
    new Metric({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      collect() {
        this.reset()
        for (const sample of samplesOf(definition, observed())) this.inc(sample.labels, sample.value)
      },
    })
  }
  return registry
}
