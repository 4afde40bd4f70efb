/** The GPUs as metrics: what the driver says at the moment of a scrape, and no sample for what it does not say. */
import type { RasCount, Reading } from '../hardware/readings.ts'

/** What was seen of one package. */
export type GpuObservation = Reading & {
  readonly ras: readonly RasCount[]
  /** VRAM held by processes of our own tree, bytes; undefined when it could not be told. */
  readonly heldBytes?: number
}

/** One sample: its value and its labels beside those of the GPU. */
type Sample = readonly [value: number | undefined, labels?: Readonly<Record<string, string>>]

/** A metric with one or more samples for each package. Names are public API; units are the base units of Prometheus. */
export type GpuDefinition = {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly labels: readonly string[]
  readonly read: (observation: GpuObservation) => readonly Sample[]
}

/** The labels of every sample: `gpu` are the indices on the package, `pci` its address, empty when unknown. */
const own = ['gpu', 'pci'] as const

const gauge = (name: string, help: string, read: (seen: GpuObservation) => number | undefined): GpuDefinition => ({
  ...{ name, help, type: 'gauge', labels: own },
  read: (seen) => [[read(seen)]],
})

const by = (
  type: GpuDefinition['type'],
  name: string,
  help: string,
  label: string,
  read: (seen: GpuObservation) => Readonly<Record<string, number | undefined>>,
): GpuDefinition => ({
  ...{ name, help, type, labels: [...own, label] },
  read: (seen) => Object.entries(read(seen)).map(([key, value]) => [value, { [label]: key }]),
})

const bit = (value: boolean | undefined): number | undefined => (value === undefined ? undefined : Number(value))

/** The definitions. A package is one GPU, or the partitions of one, which share all of this. */
export const gpuDefinitions: readonly GpuDefinition[] = [
  gauge('aim_gpu_vram_bytes', 'Memory of the GPU.', (seen) => seen.vramTotalBytes),
  gauge('aim_gpu_vram_used_bytes', 'Memory of the GPU in use, by whomever.', (seen) => seen.vramUsedBytes),
  by('gauge', 'aim_gpu_vram_held_bytes', 'Memory of the GPU by holder; what the driver keeps for itself is with others.', 'holder', heldBy),
  gauge('aim_gpu_busy_ratio', 'Share of time that the GPU computes.', (seen) => seen.busy),
  gauge('aim_gpu_memory_busy_ratio', "Share of time that the GPU's memory is busy.", (seen) => seen.memoryBusy),
  gauge('aim_gpu_power_watts', 'Power drawn.', (seen) => seen.powerWatts),
  gauge('aim_gpu_power_cap_watts', 'Power that the GPU is limited to.', (seen) => seen.powerCapWatts),
  by('gauge', 'aim_gpu_temperature_celsius', 'Temperature by sensor.', 'sensor', (seen) => seen.temperatures),
  by('gauge', 'aim_gpu_clock_hertz', 'Clock by domain.', 'clock', (seen) => seen.clocks),
  gauge('aim_gpu_throttled', 'Whether something holds the clocks back; older drivers.', (seen) => bit(seen.throttle?.now)),
  by(
    'counter',
    'aim_gpu_throttle_cycles_total',
    'Firmware cycles in which the clocks were held back, by cause; newer drivers.',
    'cause',
    (seen) => seen.throttle?.cycles ?? {},
  ),
  gauge('aim_gpu_resetting', 'Whether the GPU is in reset or suspended.', (seen) => bit(seen.resetting ?? false)),
  {
    ...{ name: 'aim_gpu_partition_info', help: 'Always 1; the partition modes are labels.', type: 'gauge' },
    labels: [...own, 'compute', 'memory'],
    read: ({ computePartition: compute, memoryPartition: memory }) =>
      compute === undefined ? [] : [[1, { compute, memory: memory ?? '' }]],
  },
  {
    ...{ name: 'aim_gpu_ras_errors_total', help: 'Errors that the GPU counted, by block.', type: 'counter' },
    labels: [...own, 'block', 'severity'],
    read: ({ ras }) =>
      ras.flatMap(({ block, correctable, uncorrectable }): Sample[] => [
        [correctable, { block, severity: 'correctable' }],
        [uncorrectable, { block, severity: 'uncorrectable' }],
      ]),
  },
]

function heldBy({ heldBytes, vramUsedBytes }: GpuObservation): Readonly<Record<string, number | undefined>> {
  if (heldBytes === undefined) return {}
  return { engine: heldBytes, others: vramUsedBytes === undefined ? undefined : Math.max(0, vramUsedBytes - heldBytes) }
}

/** Every sample of a definition, labelled; those of unknown value are left out. */
export const samplesOf = (
  { read }: GpuDefinition,
  observations: readonly GpuObservation[],
): readonly { readonly value: number; readonly labels: Readonly<Record<string, string>> }[] =>
  observations.flatMap((seen) =>
    read(seen).flatMap(([value, labels = {}]) =>
      value === undefined ? [] : [{ value, labels: { gpu: seen.gpus.join(','), pci: seen.package ?? '', ...labels } }],
    ),
  )
