/** Looks at the engine's GPUs for the metrics, when somebody asks. */
import type { PatientFiles } from '../hardware/file-system.ts'
import { readHolders } from '../hardware/holders.ts'
import type { Gpu } from '../hardware/inventory.ts'
import { packagesOf, type RasCount, readRas, readReadings } from '../hardware/readings.ts'
import type { GpuObservation } from '../telemetry/gpu-gauges.ts'

/** What is looked at, and with what. */
export type WatchOptions = {
  readonly files: PatientFiles
  /** The engine's GPUs; none before there is a launch. */
  readonly gpus: () => readonly Gpu[]
  /** The processes of the engine's tree. */
  readonly pids: () => Promise<readonly number[]>
  /** Milliseconds since an arbitrary point. */
  readonly now: () => number
}

/** Error counts and holders are looked up at most so often: the firmware is asked for each block, and every descriptor of the engine is looked at. */
const slowMs = 30_000

type Slow = { readonly at: number; readonly ras: readonly (readonly RasCount[])[]; readonly held: ReadonlyMap<string, number> }

/** A look at the GPUs; whoever asks while one is under way gets the same. */
export const createGpuWatch = ({ files, gpus, pids, now }: WatchOptions): (() => Promise<readonly GpuObservation[]>) => {
  let slow: Slow | undefined
  let running: Promise<readonly GpuObservation[]> | undefined
  const look = async (): Promise<readonly GpuObservation[]> => {
    const own = gpus()
    const readings = await readReadings(files, own)
    if (own.length > 0 && (slow === undefined || now() - slow.at >= slowMs)) slow = await readSlow(files, own, await pids(), now())
    return readings.map((reading, at) => ({
      ...reading,
      ras: slow?.ras[at] ?? [],
      ...(reading.package !== undefined && slow !== undefined && { heldBytes: slow.held.get(reading.package) ?? 0 }),
    }))
  }
  return () => {
    running ??= look().finally(() => {
      running = undefined
    })
    return running
  }
}

const readSlow = async (files: PatientFiles, gpus: readonly Gpu[], pids: readonly number[], at: number): Promise<Slow> => {
  const ras: (readonly RasCount[])[] = []
  for (const [first] of packagesOf(gpus)) ras.push(first === undefined ? [] : await readRas(files, first, gpus))
  const held = new Map<string, number>()
  for (const { package: address, vramBytes } of await readHolders(files, pids)) held.set(address, (held.get(address) ?? 0) + vramBytes)
  return { at, ras, held }
}
