import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detect } from '../../src/hardware/detect.ts'
import { cpuNodeOf, readLinks } from '../../src/hardware/links.ts'
import { mi300x, radeon } from '../fixtures/hardware/machines.ts'
import { inMemory, over, type Tree } from '../fixtures/hardware/tree.ts'

const nodes = '/sys/class/kfd/kfd/topology/nodes'

const link = (from: number, at: number, to: number, type: number, folder = 'io_links'): Record<string, string> => ({
  [`${nodes}/${from}/${folder}/${at}/properties`]: `type ${type}\nnode_from ${from}\nnode_to ${to}\nweight 15\nmin_bandwidth 0\n`,
})

const linked = (tree: Tree, ...links: readonly Record<string, string>[]): Tree => over(tree, { files: Object.assign({}, ...links) })

const read = (tree: Tree) => readLinks(inMemory(tree).fs, detect(inMemory(tree).fs, {}).gpus)

test('readLinks() lists links between our GPUs by index, xGMI without bandwidth too, and through the host', () => {
  const tree = linked(mi300x(3), link(2, 0, 0, 2), link(2, 1, 3, 11), link(3, 1, 2, 11), link(2, 0, 4, 2, 'p2p_links'), link(4, 1, 99, 11))
  assert.deepEqual(read(tree), [
    { type: 'xgmi', from: 0, to: 1, weight: 15 },
    { type: 'pcie', from: 0, to: 2, weight: 15 },
    { type: 'xgmi', from: 1, to: 0, weight: 15 },
  ])
})

test('readLinks() passes over links that make no sense, and nodes without any', () => {
  const garbage = {
    [`${nodes}/2/io_links/1/properties`]: '',
    [`${nodes}/2/io_links/x/properties`]: 'type 11\n',
    [`${nodes}/2/io_links/2/properties`]: 'type 7\nnode_to 3\n',
  }
  assert.deepEqual(read(linked(mi300x(2), garbage)), [])
  assert.deepEqual(read(mi300x(2)), [])
})

test('a GPU whose device names no NUMA node is on that of the CPU it is linked to', () => {
  assert.equal(detect(inMemory(radeon()).fs, {}).gpus[0]?.numaNode, undefined)
  assert.equal(detect(inMemory(linked(radeon(), link(1, 0, 0, 2))).fs, {}).gpus[0]?.numaNode, 0)
})

test('cpuNodeOf() takes no GPU for a CPU, and a CPU node without gpu_id by its cores', () => {
  assert.equal(cpuNodeOf(inMemory(linked(mi300x(2), link(2, 0, 3, 11))).fs, 2), undefined)
  const tree = linked(mi300x(2), link(2, 0, 1, 2))
  const files = Object.fromEntries(Object.entries(tree.files).filter(([path]) => path !== `${nodes}/1/gpu_id`))
  assert.equal(cpuNodeOf(inMemory({ ...tree, files }).fs, 2), 1)
  assert.equal(cpuNodeOf(inMemory(mi300x(1)).fs, 2), undefined)
})
