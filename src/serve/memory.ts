/** From a launch's GPUs to the memory that the supervisor watches. */
import { valuesOf } from '../engine/arguments.ts'
import type { PatientFiles } from '../hardware/file-system.ts'
import { type KfdHolder, readHolders, readKfdHolders } from '../hardware/holders.ts'
import { readVramUsed, type VramPackage, vramPackagesOf } from '../hardware/vram.ts'
import { defaultUtilization, imageMinor } from '../model/engine-version.ts'
import type { Launch } from '../plan/launch.ts'

import { decimal } from '../recipes/numbers.ts'
import { formatBytes } from '../std/bytes.ts'
import type { Holder, Memory, MemoryUse } from '../supervisor/memory.ts'
import type { ProcessEntry } from '../supervisor/process-table.ts'

/** A driver's own bookkeeping moves a little between two runs (idle MI300X were seen at 284 to 287 MiB), so less than this is no leftover. */
const leastTolerance = 512 * 1024 ** 2
const toleranceShare = 0.01

/** The memory of a launch's GPUs, read through `files`; undefined when it has none. `processes` are those that we can see. */
export const memoryOf = ({ gpus, engine }: Launch, files: PatientFiles, processes: () => readonly ProcessEntry[]): Memory | undefined => {
  const packages = vramPackagesOf(gpus)
  if (packages.length === 0) return undefined
  const utilization = utilizationOf(engine.argv)
  return {
    used: () => readVramUsed(files, packages),
    holders: async () => holdersOf(await readKfdHolders(files), packages),
    describeUsers: (devices) => describeUsers(files, processes(), devices),
    lacking: (used) => (utilization === undefined ? [] : packages.flatMap((each) => lackOf(each, utilization, used))),
    tolerance: (name) => Math.max(leastTolerance, toleranceShare * (packages.find((each) => each.name === name)?.totalBytes ?? 0)),
  }
}

/** The part of each GPU that vLLM claims; undefined where a size in bytes replaces it. */
const utilizationOf = (argv: readonly string[]): number | undefined => {
  if (valuesOf(argv, 'kv-cache-memory-bytes') !== undefined) return undefined
  return decimal(valuesOf(argv, 'gpu-memory-utilization')?.[0]) ?? defaultUtilization(imageMinor)
}

/** vLLM refuses to start where less is free than it claims (vllm/v1/worker/gpu_worker.py, `Free memory on device`). */
const lackOf = ({ name, totalBytes }: VramPackage, utilization: number, used: MemoryUse): readonly string[] => {
  const taken = used[name]
  if (taken === undefined || totalBytes === undefined) return []
  const [free, wanted] = [totalBytes - taken, totalBytes * utilization]
  return free >= wanted
    ? []
    : [`${name} has ${formatBytes(Math.max(0, free))} of ${formatBytes(totalBytes)} free, the engine asks for ${formatBytes(wanted)}`]
}

const holdersOf = (found: readonly KfdHolder[], packages: readonly VramPackage[]): readonly Holder[] =>
  [...Map.groupBy(found, ({ hostPid }) => hostPid)].map(([pid, entries]) => ({
    pid,
    used: Object.fromEntries(
      packages.flatMap(({ name, gpuIds }) => {
        const bytes = entries.filter(({ gpuId }) => gpuIds.includes(gpuId)).reduce((sum, { vramBytes }) => sum + vramBytes, 0)
        return bytes > 0 ? [[name, bytes]] : []
      }),
    ),
  }))

const describeUsers = async (
  files: PatientFiles,
  processes: readonly ProcessEntry[],
  devices: readonly string[],
): Promise<readonly string[]> => {
  const holders = await readHolders(
    files,
    processes.map(({ pid }) => pid),
  )
  return holders.flatMap(({ pid, package: device, vramBytes }) => {
    const name = processes.find((entry) => entry.pid === pid)?.name
    return devices.includes(device) ? [`in this container ${name} (pid ${pid}) has ${formatBytes(vramBytes)} of ${device}`] : []
  })
}
