import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { detect } from '../../src/hardware/detect.ts'
import type { FileSystem } from '../../src/hardware/file-system.ts'
import type { Gpu, Inventory } from '../../src/hardware/inventory.ts'
import { readLinks } from '../../src/hardware/links.ts'
import { machineFileSystem } from '../../src/hardware/machine.ts'
import { packageOf } from '../../src/hardware/pci.ts'
import { uuidOf } from '../../src/hardware/visible-devices.ts'

/** A GPU as the independent parser that came with the captures saw it; null where it knew nothing. */
type Seen = Readonly<Record<string, string | number | readonly number[] | null>>

type Expected = {
  readonly gpu_count: number
  readonly gpus: readonly Seen[]
  readonly partition: { readonly compute: string | null; readonly memory: string | null } | null
  readonly hives: Readonly<Record<string, readonly number[]>>
  readonly physical_gpus: readonly { readonly pci_bdf: string; readonly nodes: readonly number[] }[]
  readonly gfx_from_device_id_table?: string
  readonly expected_is_apu?: boolean
}

const shared = process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared')
const trees = join(shared, 'fixtures/gpu/trees')
const answers = join(shared, 'fixtures/gpu/expected')

const unpack = (name: string, directory: string): string => {
  const root = join(directory, name)
  mkdirSync(root, { recursive: true })
  execFileSync('tar', ['-xzf', join(trees, `${name}.tar.gz`), '-C', root])
  return root
}

/** Our GPU in their words, for every field that both have. */
const inTheirWords = (gpu: Gpu) => ({
  hip_index: gpu.index,
  node: gpu.node,
  gpu_id: gpu.gpuId ?? null,
  gfx: gpu.gfx ?? null,
  device_id: gpu.deviceId === undefined ? null : `0x${gpu.deviceId}`,
  pci_bdf: gpu.pci === undefined ? null : packageOf(gpu.pci),
  kfd_function: gpu.pci === undefined ? null : Number(gpu.pci.at(-1)),
  render_minor: gpu.renderMinor ?? null,
  unique_id: gpu.uniqueId ?? null,
  rocr_uuid: gpu.uniqueId === undefined ? null : uuidOf(gpu),
  hive_id: gpu.hiveId ?? null,
  num_xcc: gpu.xcc ?? null,
  compute_units: gpu.computeUnits ?? null,
  vram_bytes: gpu.vramBytes ?? null,
  vram_used_bytes: gpu.vramUsedBytes ?? null,
  cpu_node: gpu.numaNode ?? null,
})

/** Their GPU reduced to those fields; they write an id of none as 0. */
const reduced = (seen: Seen, gfx: string | undefined) =>
  Object.fromEntries(
    Object.keys(inTheirWords({ index: 0, node: 0 })).map((key) => {
      const value = key === 'gfx' ? (seen[key] ?? gfx ?? null) : (seen[key] ?? null)
      return [key, value === '0' ? null : value]
    }),
  )

/** The peers of each GPU by kind of link, as node numbers. */
const compareLinks = (fs: FileSystem, { gpus }: Inventory, expected: Expected): void => {
  const links = readLinks(fs, gpus)
  for (const [at, { node, index }] of gpus.entries()) {
    const peers = (type: string) => links.filter((link) => link.from === index && link.type === type).map(({ to }) => gpus[to]?.node)
    const seen = expected.gpus[at]
    assert.deepEqual(peers('xgmi'), seen?.xgmi_peers ?? [], `xGMI links of node ${node}`)
    assert.deepEqual(peers('pcie'), seen?.pcie_p2p_peers ?? [], `PCIe links of node ${node}`)
  }
}

const compare = (inventory: Inventory, expected: Expected): void => {
  assert.equal(inventory.gpus.length, expected.gpu_count)
  assert.deepEqual(
    inventory.gpus.map(inTheirWords),
    expected.gpus.map((gpu) => reduced(gpu, expected.gfx_from_device_id_table)),
  )
  const { compute = null, memory = null } = expected.partition ?? {}
  for (const gpu of inventory.gpus) assert.deepEqual([gpu.computePartition ?? null, gpu.memoryPartition ?? null], [compute, memory])
  for (const [hive, nodes] of Object.entries(expected.hives)) {
    assert.deepEqual(
      inventory.gpus.filter(({ hiveId }) => hiveId === hive).map(({ node }) => node),
      nodes,
    )
  }
  const addresses = new Map(inventory.gpus.map(({ node, pci }) => [node, packageOf(pci ?? '')]))
  for (const { pci_bdf, nodes } of expected.physical_gpus) for (const node of nodes) assert.equal(addresses.get(node), pci_bdf)
  assert.ok(inventory.gpus.every((gpu) => (gpu.sharesHostMemory ?? false) === (expected.expected_is_apu ?? false)))
  assert.deepEqual([inventory.hidden, inventory.blocked, inventory.driver, inventory.oddities], [[], undefined, true, []])
}

test('detect() sees every captured tree as an independent parser did', async (t) => {
  if (!existsSync(trees)) {
    t.diagnostic(`the captured trees are not at ${trees}: these checks did not run; AIM_SHARED names their folder`)
    return
  }
  const directory = mkdtempSync(join(tmpdir(), 'aim-captures-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const names = readdirSync(trees).map((file) => basename(file, '.tar.gz'))
  for (const name of names.filter((name) => existsSync(join(answers, `${name}.json`)))) {
    await t.test(name, () => {
      const expected = JSON.parse(readFileSync(join(answers, `${name}.json`), 'utf8')) as Expected
      const fs = machineFileSystem(unpack(name, directory))
      const inventory = detect(fs, {})
      compare(inventory, expected)
      compareLinks(fs, inventory, expected)
    })
  }
})
