/**
 * How the nodes of the topology are joined. Read only when asked for: on a host of 64 partitions the links are four thousand files and cost
 * fifteen times the rest of the inventory.
 */
import type { FileSystem } from './file-system.ts'
import type { Gpu } from './inventory.ts'
import { numberOf, parseProperties } from './properties.ts'

/** One link of a node. The types are those of kfd_crat.c; what has another number is not listed. */
export type Link = { readonly type: 'xgmi' | 'pcie' | 'cpu'; readonly from: number; readonly to: number; readonly weight?: number }

/** HyperTransport 1, PCIe 2, QPI 5, xGMI 11. */
const types: Readonly<Record<number, Link['type']>> = { 1: 'cpu', 2: 'pcie', 5: 'cpu', 11: 'xgmi' }

const nodes = '/sys/class/kfd/kfd/topology/nodes'

/** The type decides, never the bandwidth, which is 0 on real xGMI links. `from` is our own number for the node: the file may hold another's. */
const parseLink = (from: number, text: string): Link | undefined => {
  const properties = parseProperties(text)
  const type = types[numberOf(properties, 'type') ?? 0]
  const to = numberOf(properties, 'node_to')
  const weight = numberOf(properties, 'weight')
  return type === undefined || to === undefined ? undefined : { type, from, to, ...(weight !== undefined && { weight }) }
}

const readLinksOf = (fs: FileSystem, node: number, folder: 'io_links' | 'p2p_links'): readonly Link[] => {
  const listed = fs.list(`${nodes}/${node}/${folder}`)
  return (listed.ok ? listed.value : []).flatMap((entry) => {
    const read = /^\d{1,6}$/.test(entry) ? fs.readText(`${nodes}/${node}/${folder}/${entry}/properties`) : undefined
    return read?.ok ? (parseLink(node, read.value) ?? []) : []
  })
}

/** The links between the given GPUs, direct ones and those through the host, by their index in the inventory; in index order. */
export const readLinks = (fs: FileSystem, gpus: readonly Pick<Gpu, 'node' | 'index'>[]): readonly Link[] => {
  const indices = new Map(gpus.map(({ node, index }) => [node, index]))
  const links = gpus.flatMap(({ node }) => [...readLinksOf(fs, node, 'io_links'), ...readLinksOf(fs, node, 'p2p_links')])
  return links
    .flatMap((link) => {
      const [from, to] = [indices.get(link.from), indices.get(link.to)]
      return from === undefined || to === undefined ? [] : [{ ...link, from, to }]
    })
    .sort((a, b) => a.from - b.from || a.to - b.to)
}

/**
 * The CPU node that a GPU hangs on, which is a NUMA node: for devices whose own `numa_node` is -1 (desktops, guests) or not to be seen. It
 * is the first link in every capture; the others are read only when that one leads elsewhere. Undefined when none leads to a CPU.
 */
export const cpuNodeOf = (fs: FileSystem, node: number): number | undefined => {
  const first = fs.readText(`${nodes}/${node}/io_links/0/properties`)
  const link = first.ok ? parseLink(node, first.value) : undefined
  if (link !== undefined && isCpu(fs, link.to)) return link.to
  return readLinksOf(fs, node, 'io_links').find(({ to }) => to !== link?.to && isCpu(fs, to))?.to
}

const isCpu = (fs: FileSystem, node: number): boolean => {
  const id = fs.readText(`${nodes}/${node}/gpu_id`)
  if (id.ok) return id.value.trim() === '0'
  const properties = fs.readText(`${nodes}/${node}/properties`)
  return properties.ok && (numberOf(parseProperties(properties.value), 'cpu_cores_count') ?? 0) > 0
}
