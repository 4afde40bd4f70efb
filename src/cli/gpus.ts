/** `aim gpus`: what this machine has and what of it is ours. */
import type { Inventory } from '../hardware/inventory.ts'
import { machineFileSystem } from '../hardware/machine.ts'
import { machineOf } from '../serve/machine.ts'
import { formatBytes } from '../std/bytes.ts'
import { gpuTable, linkMatrix } from './gpu-table.ts'
import { type Flags, overlay, readOptions, warn } from './options.ts'
import { type Format, print } from './output.ts'
import { formatFacts } from './table.ts'

/** Options of `aim gpus` alone. */
export type GpusFlags = Flags & {
  /** Seconds between two looks, or true for the usual two. */
  readonly watch?: true | string
  readonly links?: true
  /** File to write the machine to, - for stdout. */
  readonly capture?: string
}

/** Prints the inventory; a machine without a GPU is an answer, not an error. */
export const gpusCommand = async ({ watch, links, capture, ...flags }: GpusFlags, format: Format): Promise<number> => {
  const environment = overlay(undefined, flags, [])
  const options = readOptions(environment)
  const inventory = await machineOf(options, environment)
  const fs = machineFileSystem(options.sysfsRoot)
  if (capture !== undefined) {
    const [{ captureMachine }, { writeCapture }] = await Promise.all([import('../hardware/capture.ts'), import('./capture.ts')])
    await writeCapture(captureMachine(fs, environment), capture)
    if (capture !== '-') warn(`wrote ${capture}; to read it: mkdir machine && tar -xzf ${capture} -C machine && aim gpus --root machine`)
    return 0
  }
  if (watch !== undefined) return (await import('./gpu-watch.ts')).watchGpus(options.sysfsRoot, inventory, watch, format)
  if (links !== true) {
    await print(format, inventory, () => show(inventory))
    return 0
  }
  const { readLinks } = await import('../hardware/links.ts')
  const found = readLinks(fs, inventory.gpus)
  await print(format, { ...inventory, links: found }, () => [show(inventory), '', linkMatrix(inventory.gpus, found)].join('\n'))
  return 0
}

const show = ({ gpus, hidden, blocked, driver, host, oddities }: Inventory): string => {
  const none = driver ? 'no usable GPU' : 'no GPU: the amdgpu driver is not loaded on this machine'
  return [
    gpus.length === 0 ? none : gpuTable(gpus),
    ...(blocked === undefined ? [] : ['', `blocked: ${blocked.reason}`, `  fix: ${blocked.fix}`]),
    ...(hidden.length === 0 ? [] : ['', 'hidden', ...hidden.map(({ node, reason }) => `  node ${node}: ${reason}`)]),
    ...(oddities.length === 0 ? [] : ['', 'odd', ...oddities.map((oddity) => `  ${oddity}`)]),
    '',
    formatFacts([
      ['cpus', `${host.cpus}${host.cpuQuota === undefined ? '' : ` (quota ${host.cpuQuota})`}`],
      [
        'memory',
        `${formatBytes(host.memoryBytes)}${host.memoryLimitBytes === undefined ? '' : `, limited to ${formatBytes(host.memoryLimitBytes)}`}${host.memoryAvailableBytes === undefined ? '' : `, ${formatBytes(host.memoryAvailableBytes)} free`}`,
      ],
      ['/dev/shm', host.shmBytes === undefined ? '-' : formatBytes(host.shmBytes)],
    ]),
  ].join('\n')
}
