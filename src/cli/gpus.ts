/** `aim gpus`: what this machine has and what of it is ours. */
import type { Inventory } from '../hardware/inventory.ts'
import { machineOf } from '../serve/machine.ts'
import { formatBytes } from '../std/bytes.ts'
import { type Flags, overlay, readOptions } from './options.ts'
import { type Format, print } from './output.ts'
import { formatFacts, formatTable } from './table.ts'

/** Prints the inventory; a machine without a GPU is an answer, not an error. */
export const gpusCommand = async (flags: Flags, format: Format): Promise<number> => {
  const environment = overlay(undefined, flags, [])
  const inventory = await machineOf(readOptions(environment), environment)
  await print(format, inventory, () => show(inventory))
  return 0
}

const head = ['GPU', 'PRODUCT', 'GFX', 'VRAM', 'USED', 'CUS', 'MODE', 'NUMA', 'PCI', 'RENDER']

const show = ({ gpus, hidden, blocked, driver, host, oddities }: Inventory): string => {
  const rows = gpus.map((gpu) => [
    String(gpu.index),
    gpu.product ?? '-',
    gpu.gfx ?? '-',
    gpu.vramBytes === undefined ? '-' : formatBytes(gpu.vramBytes),
    gpu.vramUsedBytes === undefined ? '-' : formatBytes(gpu.vramUsedBytes),
    String(gpu.computeUnits ?? '-'),
    [gpu.computePartition, gpu.memoryPartition].filter(Boolean).join('/') || '-',
    String(gpu.numaNode ?? '-'),
    gpu.pci ?? '-',
    gpu.renderMinor === undefined ? '-' : `renderD${gpu.renderMinor}`,
  ])
  const none = driver ? 'no usable GPU' : 'no GPU: the amdgpu driver is not loaded on this machine'
  return [
    gpus.length === 0 ? none : formatTable(head, rows),
    ...(blocked === undefined ? [] : ['', `blocked: ${blocked.reason}`, `  fix: ${blocked.fix}`]),
    ...(hidden.length === 0 ? [] : ['', 'hidden', ...hidden.map(({ node, reason }) => `  node ${node}: ${reason}`)]),
    ...(oddities.length === 0 ? [] : ['', 'odd', ...oddities.map((oddity) => `  ${oddity}`)]),
    '',
    formatFacts([
      ['cpus', `${host.cpus}${host.cpuQuota === undefined ? '' : ` (quota ${host.cpuQuota})`}`],
      [
        'memory',
        `${formatBytes(host.memoryBytes)}${host.memoryLimitBytes === undefined ? '' : `, limited to ${formatBytes(host.memoryLimitBytes)}`}`,
      ],
      ['/dev/shm', host.shmBytes === undefined ? '-' : formatBytes(host.shmBytes)],
    ]),
  ].join('\n')
}
