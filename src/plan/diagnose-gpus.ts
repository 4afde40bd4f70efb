import type { KfdHolder } from '../hardware/holders.ts'
import type { Gpu, Inventory } from '../hardware/inventory.ts'
import { productOf } from '../hardware/products.ts'
import { vramPackagesOf } from '../hardware/vram.ts'
import { gpusInWords } from '../recipes/hard-tests.ts'
import { formatBytes } from '../std/bytes.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { type Finding, type Fix, fatal, odd } from './finding.ts'
import { describeHidden } from './refusal.ts'
import type { Device, Process, Symptoms } from './symptoms.ts'

/** What is wrong with the GPUs and the way to them: driver, devices, permissions, masks, oddities, memory in others' hands. */
export const diagnoseGpus = ({ inventory, devices, holders, processes = [], kfdError, onCpu }: Symptoms): readonly Finding[] => [
  ...(onCpu || inventory.gpus.length > 0 ? [] : [whyNone(inventory, devices)]),
  ...(kfdError === undefined || onCpu ? [] : [locked(kfdError)]),
  ...(inventory.gpus.length > 0 ? describeHidden(inventory).map(partlyHidden) : []),
  ...inventory.oddities.map((what) =>
    odd(what, 'what detection cannot make sense of it leaves out', isVariable(what) ? unmask : 'see `aim gpus` for what was read'),
  ),
  ...modes(inventory),
  ...heldMemory(inventory.gpus, holders, processes),
]

// Everything that may be read was read: only an open shows what kfd_chardev.c says to it.
const locked = (code: string): Finding =>
  fatal(
    exitCodes.unavailable,
    `/dev/kfd cannot be opened (${code})${code === 'EINVAL' ? ': the driver has locked it' : code === 'ETIMEDOUT' ? ': it hangs' : ''}`,
    'no engine can use a GPU until it can',
    'wait until the reset of a GPU is over; if it stays so, see dmesg on the host for amdgpu and reboot it',
  )

const equalModes =
  'divide all cards alike, on the host with its GPUs idle: amd-smi set --compute-partition SPX (with the GPU operator: the same profile for the whole node)'

/** Cards that are divided in different ways, and divided ones of which a partition is missing. */
const modes = ({ gpus, hidden }: Inventory): readonly Finding[] => {
  const divided = gpus.filter(({ computePartition }) => computePartition !== undefined)
  const kinds = [
    ...Map.groupBy(
      divided,
      ({ product, computePartition, memoryPartition }) => `${product} ${[computePartition, memoryPartition].filter(Boolean).join('/')}`,
    ),
  ]
  const products = new Set(divided.map(({ product }) => product)).size
  const list = kinds.map(([kind, group]) => `${gpusInWords(group.length)} of ${kind}`).join(', ')
  const why = 'one model runs on equal ones only, and the strategy single of the device plugin does not support such a node'
  return [
    ...(kinds.length > products ? [odd(`the cards are divided in different ways: ${list}`, why, equalModes)] : []),
    ...(hidden.length > 0 ? [] : incomplete(gpus)),
  ]
}

// Nothing is hidden from us, so a partition that is not there is nowhere.
const incomplete = (gpus: readonly Gpu[]): readonly Finding[] =>
  [...Map.groupBy(gpus, (gpu) => gpu.package)].flatMap(([card, group]) => {
    const total = productOf(group[0]?.deviceId)?.xcc
    const parts = total === undefined || group[0]?.xcc === undefined ? 0 : total / group[0].xcc
    if (card === undefined || group.length >= parts) return []
    return [
      odd(
        `card ${card} has ${group.length} of its ${parts} partitions`,
        'a kernel with 64 render nodes for all cards together drops a partition that gets none',
        'a newer kernel on the host, or a mode with fewer partitions',
      ),
    ]
  })

const giveDevices: Fix = {
  docker: '--device=/dev/kfd --device=/dev/dri',
  compose: 'devices: [/dev/kfd, /dev/dri]',
  kubernetes: 'resources: {limits: {amd.com/gpu: 1}} (needs the AMD device plugin on the node)',
}

const noUse = 'the engine finds no GPU and ends at once'

/** Of variables that are refused as they stand. */
const atOnce = 'the engine ends with an error before it looks at a GPU'

const whyNone = (inventory: Inventory, devices: readonly Device[]): Finding => {
  const { blocked, driver, hidden } = inventory
  const denied = devices.filter(({ code }) => code === 'EACCES')
  if (blocked !== undefined && denied.length > 0) return fatal(exitCodes.permission, blocked.reason, noUse, joinGroups(denied))
  if (blocked !== undefined)
    return fatal(codeOf(blocked.reason), blocked.reason, isVariable(blocked.reason) ? atOnce : noUse, fixOf(blocked.reason, blocked.fix))
  if (hidden.length > 0) return fatal(exitCodes.config, `no GPU is left: ${describeHidden(inventory).join('; ')}`, noUse, unmask)
  if (driver) return fatal(exitCodes.unavailable, 'the amdgpu driver is loaded and knows no GPU', noUse, 'see dmesg on the host for amdgpu')
  return fatal(
    exitCodes.unavailable,
    'the amdgpu driver is not loaded on this machine: there is no /sys/class/kfd',
    noUse,
    'run on a machine with an AMD GPU (there: modprobe amdgpu), or set AIM_GPU_COUNT=0 to serve on the CPU',
  )
}

const unmask = 'unset ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES, or have them name GPUs that `aim gpus` lists'

const isVariable = (reason: string): boolean => /_VISIBLE_DEVICES|HSA_OVERRIDE/.test(reason)

const codeOf = (reason: string) => {
  if (isVariable(reason)) return exitCodes.config
  return reason.includes('(EPERM)') ? exitCodes.permission : exitCodes.unavailable
}

const fixOf = (reason: string, fix: string): Fix | string =>
  /is not in this container|device cgroup|given to this container/.test(reason) ? giveDevices : fix

const joinGroups = (denied: readonly Device[]): Fix => {
  const groups = [...new Set(denied.map(({ path, gid }) => gid ?? `$(stat -c %g ${path})`))]
  return {
    docker: groups.map((gid) => `--group-add ${gid}`).join(' '),
    compose: `group_add: [${groups.map((gid) => `"${gid}"`).join(', ')}]`,
    kubernetes: `securityContext: {supplementalGroups: [${groups.join(', ')}]} (of the pod)`,
  }
}

const partlyHidden = (what: string): Finding =>
  odd(what, 'a model that needs them all does not fit on the others', isVariable(what) ? unmask : giveDevices)

/** Share of a package's memory in use from which it matters: vLLM 0.32 wants 0.92 of it free by default (gpu_memory_utilization). */
const heldShare = 0.08

const heldMemory = (gpus: readonly Gpu[], holders: readonly KfdHolder[], processes: readonly Process[]): readonly Finding[] =>
  vramPackagesOf(gpus).flatMap(({ name, totalBytes, gpuIds }) => {
    const used = gpus.find(({ gpuId }) => gpuId !== undefined && gpuIds.includes(gpuId))?.vramUsedBytes
    if (used === undefined || totalBytes === undefined || used <= totalBytes * heldShare) return []
    // Ours by their own number; the same ones are among the host's, under numbers that mean nothing here.
    const ours = processes.filter((holder) => holder.package === name)
    const by = holders.filter(({ gpuId }) => gpuIds.includes(gpuId))
    const words =
      ours.length > 0
        ? ours.map((holder) => `pid ${holder.pid}, ${holder.name} (${formatBytes(holder.vramBytes)})`)
        : by.map(({ hostPid, vramBytes }) => `host pid ${hostPid} (${formatBytes(vramBytes)})`)
    return [
      odd(
        `${formatBytes(used)} of the ${formatBytes(totalBytes)} of GPU ${name} are in use${words.length === 0 ? '' : ` by ${words.join(', ')}`}`,
        'an engine takes 92 % of a GPU by default and does not start when less is free',
        `end ${ours.length > 0 ? 'those processes' : by.length > 0 ? 'those processes on the host' : 'what holds it (amd-smi process on the host)'}, or choose other GPUs by HIP_VISIBLE_DEVICES`,
      ),
    ]
  })
