/** GPUs as text for a person: what there is, how it is joined, what it does now. */
import type { KfdHolder } from '../hardware/holders.ts'
import type { Gpu } from '../hardware/inventory.ts'
import type { Link } from '../hardware/links.ts'
import type { Reading } from '../hardware/readings.ts'
import { groupsOf } from '../recipes/place.ts'
import { formatBytes } from '../std/bytes.ts'
import { formatTable } from './table.ts'

const head = ['GPU', 'PRODUCT', 'GFX', 'VRAM', 'USED', 'CUS', 'MODE', 'NUMA', 'HIVE', 'PCI', 'RENDER']

/** One line for each kind of GPU, then a row for each GPU, then what joins them. */
export const gpuTable = (gpus: readonly Gpu[]): string => {
  const hives = hivesOf(gpus)
  return [...kinds(gpus), '', formatTable(head, gpus.map(rowOf(hives))), ...hiveLines(gpus, hives)].join('\n')
}

/** `8x AMD Instinct MI300X (gfx942): 192 GiB, 304 CUs, 5.3 TB/s each; bf16, fp8_fnuz ...`. */
const kinds = (gpus: readonly Gpu[]): readonly string[] =>
  groupsOf(gpus).flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const packages = new Set(group.map((gpu) => gpu.package ?? gpu.node)).size
    const each = [
      ...(first.vramBytes === undefined ? [] : [`${formatBytes(first.vramBytes)}${first.sharesHostMemory ? ' of the host' : ''}`]),
      ...(first.computeUnits === undefined ? [] : [`${first.computeUnits} CUs`]),
      ...(first.memoryBandwidth === undefined ? [] : [`${(first.memoryBandwidth / 1e12).toFixed(1)} TB/s`]),
    ]
    return [
      `${group.length}x ${first.name ?? first.product ?? `AMD 1002:${first.deviceId ?? '????'}`} (${first.gfx ?? 'unknown gfx'})`,
      ...(packages < group.length ? [`on ${packages} ${packages === 1 ? 'card' : 'cards'}`] : []),
      ...(each.length === 0 ? [] : [`: ${each.join(', ')}${group.length > 1 ? ' each' : ''}`]),
      ...(first.dtypes === undefined ? [] : [`; ${first.dtypes.join(' ')}`]),
    ]
      .join(' ')
      .replaceAll(/ ([:;])/g, '$1')
  })

const rowOf =
  (hives: readonly string[]) =>
  (gpu: Gpu): readonly string[] => [
    String(gpu.index),
    gpu.product ?? gpu.deviceId ?? '-',
    gpu.gfx ?? '-',
    gpu.vramBytes === undefined ? '-' : formatBytes(gpu.vramBytes),
    gpu.vramUsedBytes === undefined ? '-' : formatBytes(gpu.vramUsedBytes),
    String(gpu.computeUnits ?? '-'),
    [gpu.computePartition, gpu.memoryPartition].filter(Boolean).join('/') || '-',
    String(gpu.numaNode ?? '-'),
    gpu.hiveId === undefined ? '-' : letterOf(hives.indexOf(gpu.hiveId)),
    gpu.pci ?? '-',
    gpu.renderMinor === undefined ? '-' : `renderD${gpu.renderMinor}`,
  ]

const hivesOf = (gpus: readonly Gpu[]): readonly string[] => [...new Set(gpus.flatMap(({ hiveId }) => hiveId ?? []))]

/** A, B ... Z, then numbers: nobody reads an id of twenty digits. */
const letterOf = (at: number): string => (at < 26 ? String.fromCharCode(65 + at) : String(at + 1))

const hiveLines = (gpus: readonly Gpu[], hives: readonly string[]): readonly string[] => {
  const joined = hives.map((hive) => gpus.filter(({ hiveId }) => hiveId === hive)).filter((group) => group.length > 1)
  if (joined.length === 0) return []
  const lines = joined.map(
    (group) => `hive ${letterOf(hives.indexOf(group[0]?.hiveId ?? ''))}: GPU ${ranges(group.map(({ index }) => index))}, joined by xGMI`,
  )
  const apart = joined.flat().length < gpus.length || joined.length > 1
  return ['', ...lines, ...(apart ? ['between them and to other GPUs: PCIe'] : [])]
}

/** `0-3, 6`. */
export const ranges = (numbers: readonly number[]): string => {
  const runs: [first: number, last: number][] = []
  for (const value of numbers.toSorted((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run !== undefined && run[1] === value - 1) run[1] = value
    else runs.push([value, value])
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ')
}

/** Links as a matrix of GPUs: X for xGMI, P for PCIe, with their weight; `.` for itself, `-` for none that the driver lists. */
export const linkMatrix = (gpus: readonly Gpu[], links: readonly Link[]): string => {
  const letters: Readonly<Record<Link['type'], string>> = { xgmi: 'X', pcie: 'P', cpu: 'C' }
  const cells = new Map(links.map(({ from, to, type, weight }) => [`${from} ${to}`, `${letters[type]}${weight ?? ''}`]))
  const cell = (from: number, to: number): string => (from === to ? '.' : (cells.get(`${from} ${to}`) ?? '-'))
  return [
    formatTable(
      ['', ...gpus.map(({ index }) => String(index))],
      gpus.map(({ index }) => [String(index), ...gpus.map((other) => cell(index, other.index))]),
    ),
    'X xGMI, P PCIe; the number is the weight, lower is nearer',
  ].join('\n')
}

const nowHead = ['GPU', 'PRODUCT', 'BUSY', 'MEM', 'VRAM', '', 'POWER', 'TEMP', 'CLOCK', 'NOTE']

/** What each package is doing, one row each; `-` for what its driver does not tell. */
export const readingTable = (gpus: readonly Gpu[], readings: readonly Reading[]): string =>
  formatTable(
    nowHead,
    readings.map((reading) => {
      const [first] = gpus.filter(({ index }) => reading.gpus.includes(index))
      const { vramUsedBytes: used, vramTotalBytes: total = first?.vramBytes } = reading
      return [
        ranges(reading.gpus),
        first?.product ?? first?.gfx ?? '-',
        percent(reading.busy),
        percent(reading.memoryBusy),
        used === undefined || total === undefined || total === 0 ? '-' : bar(used / total),
        used === undefined ? '' : `${formatBytes(used)}${total ? ` of ${formatBytes(total)}` : ''}`,
        power(reading),
        temperature(reading),
        reading.clocks.graphics === undefined ? '-' : `${Math.round(reading.clocks.graphics / 1e6)} MHz`,
        note(reading),
      ]
    }),
  )

/** Who holds memory of these GPUs, a line for each process by the host's number, the largest first; a process of other GPUs is not named. */
export const holderLines = (gpus: readonly Gpu[], holders: readonly KfdHolder[]): readonly string[] => {
  const indices = new Map(gpus.map(({ gpuId, index }) => [gpuId, index]))
  const known = holders.filter(({ gpuId }) => indices.has(gpuId))
  const lines = [...Map.groupBy(known, ({ hostPid }) => hostPid)].map(([pid, held]) => {
    const bytes = held.reduce((sum, { vramBytes }) => sum + vramBytes, 0)
    return `host pid ${pid} holds ${formatBytes(bytes)} on GPU ${ranges(held.flatMap(({ gpuId }) => indices.get(gpuId) ?? []))}`
  })
  return lines.length === 0 ? [] : ['', ...lines]
}

const percent = (share: number | undefined): string => (share === undefined ? '-' : `${Math.round(share * 100)}%`)

const barWidth = 12

const bar = (share: number): string => {
  const filled = Math.min(barWidth, Math.round(share * barWidth))
  return `|${'#'.repeat(filled)}${' '.repeat(barWidth - filled)}|`
}

const power = ({ powerWatts, powerCapWatts }: Reading): string =>
  powerWatts === undefined ? '-' : `${Math.round(powerWatts)} W${powerCapWatts === undefined ? '' : ` of ${Math.round(powerCapWatts)}`}`

// The hottest spot is what throttles; memory has a limit of its own.
const temperature = ({ temperatures: { junction, edge, memory } }: Reading): string => {
  const core = junction ?? edge
  const parts = [...(core === undefined ? [] : [`${Math.round(core)} C`]), ...(memory === undefined ? [] : [`mem ${Math.round(memory)} C`])]
  return parts.join(', ') || '-'
}

const note = ({ resetting, throttle }: Reading): string =>
  resetting === true ? 'in reset or suspended' : throttle?.now === true ? 'throttled' : ''
