/** The KFD topology: the one list of the GPUs there are. Everything else only decorates it. */
import type { Read } from '../std/result.ts'
import type { FileSystem } from './file-system.ts'
import type { HiddenGpu } from './inventory.ts'
import { decodeNode, isGpu, type KfdGpu, type NodeFiles } from './kfd-node.ts'
import { noProperties, parseInteger, parseProperties, positiveOf } from './properties.ts'

/** What the topology says, before anybody asked whether the GPUs can be opened. `gpus` are in node order, which is ROCR's. */
export type Topology = {
  readonly driver: boolean
  readonly gpus: readonly KfdGpu[]
  readonly hidden: readonly HiddenGpu[]
  readonly oddities: readonly string[]
}

/** A node as read: a GPU, one that is kept from us, or (neither) a CPU. */
type NodeRead = { readonly gpu?: KfdGpu; readonly hidden?: HiddenGpu; readonly oddities?: readonly string[] }

const topology = '/sys/class/kfd/kfd/topology'

/** How often a topology that changes under our reading is read again. */
const attempts = 3

/**
 * Reads the topology; libhsakmt too reads it again when `generation_id` moved meanwhile. Never throws: what cannot be read
 * or makes no sense is hidden or left out, with an oddity. Reads no links: on a 64-partition host they cost fifteen times the rest.
 */
export const readTopology = (fs: FileSystem): Topology => {
  let walked: Topology = { driver: false, gpus: [], hidden: [], oddities: [] }
  for (let attempt = 0; attempt < attempts; attempt++) {
    const before = fs.readText(generation)
    walked = walk(fs)
    if (!walked.driver || isSame(fs.readText(generation), before))
      return { ...walked, oddities: [...walked.oddities, ...oddGeneration(before)] }
  }
  return { ...walked, oddities: [...walked.oddities, `the KFD topology changed during each of ${attempts} readings`] }
}

const generation = `${topology}/generation_id`

const isSame = (after: Read<string>, before: Read<string>): boolean => (after.ok ? after.value : '') === (before.ok ? before.value : '')

const oddGeneration = (read: Read<string>): string[] =>
  read.ok && parseInteger(read.value) === undefined ? ['generation_id of the KFD topology is no number'] : []

const walk = (fs: FileSystem): Topology => {
  const listed = fs.list(`${topology}/nodes`)
  if (!listed.ok) {
    const absent = listed.code === 'ENOENT' || listed.code === 'ENOTDIR'
    return { driver: !absent, gpus: [], hidden: [], oddities: absent ? [] : [`${topology}/nodes cannot be listed (${listed.code})`] }
  }
  const nodes = listed.value.filter((name) => /^\d{1,6}$/.test(name)).map(Number)
  const reads = nodes.sort((a, b) => a - b).map((node) => readNode(fs, node))
  return {
    driver: true,
    gpus: reads.flatMap(({ gpu }) => gpu ?? []),
    hidden: reads.flatMap(({ hidden }) => hidden ?? []),
    oddities: reads.flatMap(({ oddities }) => oddities ?? []),
  }
}

const readNode = (fs: FileSystem, node: number): NodeRead => {
  const id = fs.readText(`${topology}/nodes/${node}/gpu_id`)
  if (!id.ok && id.code === 'EPERM') return { hidden: notGiven(node) }
  const gpuId = id.ok ? parseInteger(id.value) : undefined
  if (gpuId === 0) return {}
  const properties = fs.readText(`${topology}/nodes/${node}/properties`)
  if (!properties.ok) return unreadable(node, gpuId, id.ok ? undefined : id.code, properties.code)
  const files = { node, ...(gpuId !== undefined && gpuId > 0 && { gpuId }), properties: parseProperties(properties.value) }
  if (!isGpu(files)) return { oddities: [...oddLines(files), ...oddId(node, id)] }
  const bank = fs.readText(`${topology}/nodes/${node}/mem_banks/0/properties`)
  const whole = { ...files, bank: bank.ok ? parseProperties(bank.value) : noProperties }
  return { gpu: decodeNode(whole), oddities: [...oddLines(whole), ...oddBank(node, bank), ...oddId(node, id)] }
}

const unreadable = (node: number, gpuId: number | undefined, idCode: string | undefined, code: string): NodeRead => {
  if (code === 'EPERM') return { hidden: notGiven(node) }
  if (gpuId !== undefined) return { hidden: { node, reason: `its properties cannot be read (${code})` } }
  const both = idCode === undefined ? 'its gpu_id is no number' : `gpu_id: ${idCode}`
  return { oddities: [`KFD node ${node} cannot be read (${both}, properties: ${code}), so it may be a GPU or not`] }
}

// The kernel answers EPERM for exactly the nodes whose render node the device cgroup denies (kfd_topology.c).
const notGiven = (node: number): HiddenGpu => ({ node, reason: 'not given to this container: its device cgroup denies it (EPERM)' })

const oddLines = ({ node, properties, bank = noProperties }: NodeFiles): string[] => {
  const lines = properties.unreadable + bank.unreadable
  const empty = properties.digits.size === 0 ? [`the properties of KFD node ${node} hold no value`] : []
  return lines === 0 ? empty : [...empty, `${lines} lines of KFD node ${node} are not "key value"`]
}

const oddBank = (node: number, bank: Read<string>): string[] => {
  if (!bank.ok) return bank.code === 'ENOENT' ? [] : [`the memory bank of KFD node ${node} cannot be read (${bank.code})`]
  return positiveOf(parseProperties(bank.value), 'size_in_bytes') === undefined ? [`the memory bank of KFD node ${node} has no size`] : []
}

const oddId = (node: number, id: Read<string>): string[] => {
  if (!id.ok) return id.code === 'ENOENT' ? [] : [`gpu_id of KFD node ${node} cannot be read (${id.code})`]
  return (parseInteger(id.value) ?? -1) >= 0 ? [] : [`gpu_id of KFD node ${node} is no number`]
}
