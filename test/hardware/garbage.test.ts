import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseSubset } from '../../src/hardware/choice.ts'
import { detect } from '../../src/hardware/detect.ts'
import type { FileSystem } from '../../src/hardware/file-system.ts'
import type { Inventory } from '../../src/hardware/inventory.ts'
import { readLinks } from '../../src/hardware/links.ts'
import { readReadings } from '../../src/hardware/readings.ts'
import { machines, mi300x, mi300xCpx } from '../fixtures/hardware/machines.ts'
import { inMemory, over, patient, resolve, type Tree } from '../fixtures/hardware/tree.ts'
import { generator } from '../random.ts'

const seen = (tree: Tree): Inventory => detect(inMemory(tree).fs, {})

/** What a file may hold that means nothing. */
const kinds: readonly [kind: string, text: string][] = [
  ['nothing', ''],
  ['a blank line', '\n'],
  ['bytes', '\u0000\u0001\u0002\ufffd\ufffd\u0000'],
  ['a word', 'N/A\n'],
  ['a number with a unit', '138 MHz\n'],
  ['a negative number', '-7\n'],
  ['more than 64 bits', '99999999999999999999999999\n'],
  ['a megabyte', 'x'.repeat(2 ** 20)],
  ['another format', '{"simd_count": 1216}\n'],
]

/** Files whose blank or missing content is as good as none: nobody can say that it is wrong. */
const mayBe: readonly [kind: RegExp, file: RegExp][] = [
  [/^(nothing|a blank line|a word|a number with a unit|another format|a negative number|more than 64 bits)$/, /product_name$/],
  [/^(a negative number)$/, /(numa_node|gpu_id|generation_id)$/],
  [/^(a negative number|a number with a unit|more than 64 bits)$/, /meminfo$/],
]

/** The files that detection reads of a machine. */
const filesRead = (tree: Tree): readonly string[] => {
  const { fs, calls } = inMemory(tree)
  detect(fs, {})
  return [...new Set(calls.flatMap((call) => /^readText (.*)/.exec(call)?.[1] ?? []))]
    .filter((path) => fs.readText(path).ok)
    .map((path) => resolve(tree, path))
}

test('garbage of every kind in every file that is read: each GPU is still counted, and what it is is said', () => {
  const tree = over(mi300x(2), { files: { '/sys/fs/cgroup/cpu.max': 'max 100000\n', '/sys/fs/cgroup/memory.max': 'max\n' } })
  const before = seen(tree)
  assert.deepEqual(before.oddities, [])
  for (const path of filesRead(tree)) {
    for (const [kind, text] of kinds) {
      const claim = `${kind} in ${path}`
      const { gpus, hidden, oddities, blocked } = seen(over(tree, { files: { [path]: text } }))
      // On a CPU's node nothing but its cores says that it is none, and garbage in a GPU's may leave nothing that says it is one.
      assert.ok(gpus.length + hidden.length >= 1, claim)
      assert.equal(blocked, undefined, claim)
      if (!mayBe.some(([what, file]) => what.test(kind) && file.test(path))) assert.ok(oddities.length > 0, `${claim} is not said`)
      for (const oddity of oddities) assert.ok(oddity.length < 300 && /^[ -~]*$/.test(oddity), claim)
    }
  }
})

test('a number without its newline is a number', () => {
  const tree = mi300x(2)
  const cut = Object.fromEntries(Object.entries(tree.files).map(([path, text]) => [path, text.trimEnd()]))
  assert.deepEqual(seen({ ...tree, files: cut }), seen(tree))
})

const codes = ['EPERM', 'EACCES', 'EBUSY', 'ENOENT', 'EINVAL', 'EIO', 'ENODEV', 'ENOTDIR', 'EFBIG', 'ETIMEDOUT'] as const

/** A file system of which everything under some path is gone from the n-th call on. */
const vanishing = (fs: FileSystem, after: number, gone: RegExp): FileSystem => {
  let calls = 0
  const cut =
    <T>(ask: (path: string) => T) =>
    (path: string): T | { readonly ok: false; readonly code: string } =>
      ++calls > after && gone.test(path) ? { ok: false, code: 'ENOENT' } : ask(path)
  return {
    ...{ readText: cut(fs.readText), list: cut(fs.list), access: cut(fs.access) },
    ...{ readLink: cut(fs.readLink), owner: cut(fs.owner), space: cut(fs.space) },
  }
}

test('a topology or device that vanishes at any moment of the reading throws nothing', () => {
  const tree = mi300xCpx(1)
  const { fs, calls } = inMemory(tree)
  const count = detect(fs, {}).gpus.length
  const all = calls.length
  for (const gone of [/^\/sys\/class\/kfd/, /nodes\/5/, /^\/sys\/(class\/drm|bus|devices)/, /^\/dev/, /^\/(proc|sys\/fs)/]) {
    for (let after = 0; after <= all; after++) {
      const inventory = detect(vanishing(inMemory(tree).fs, after, gone), {})
      assert.ok(inventory.gpus.length + inventory.hidden.length <= count, `${gone} after ${after} calls`)
    }
  }
})

const finite = (value: unknown, path: string): void => {
  if (typeof value === 'number') assert.ok(Number.isFinite(value) && value >= 0, `${path} is ${value}`)
  else if (typeof value === 'object' && value !== null) for (const [key, part] of Object.entries(value)) finite(part, `${path}.${key}`)
}

/** What holds whatever was read. */
const isSound = (inventory: Inventory, nodes: number): void => {
  finite(inventory.gpus, 'gpus')
  finite(inventory.host, 'host')
  assert.deepEqual(
    inventory.gpus.map(({ index }) => index),
    [...inventory.gpus.keys()],
  )
  const all = [...inventory.gpus, ...inventory.hidden].map(({ node }) => node)
  assert.equal(new Set(all).size, all.length, 'a node twice')
  assert.ok(all.length <= nodes, `${all.length} of ${nodes} nodes`)
  assert.ok(inventory.blocked === undefined || inventory.gpus.length === 0)
  assert.ok(inventory.host.cpus >= 1)
}

const worlds = Number(process.env.AIM_WORLDS ?? 400)

test('trees of every kind, damaged at random: nothing is thrown, nothing is made up', async (t) => {
  const seed = Number(process.env.AIM_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`seed ${seed} (AIM_SEED), ${worlds} trees (AIM_WORLDS)`)
  const random = generator(seed)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] ?? assert.fail('nothing to pick from')
  const mangle = (text: string): string => {
    const at = Math.floor(random() * (text.length + 1))
    return pick([
      () => pick(kinds)[1],
      () => text.slice(0, at),
      () => text.slice(at),
      () => `${text.slice(0, at)}${String.fromCharCode(Math.floor(random() * 256))}${text.slice(at + 1)}`,
      () => text.replaceAll(/\d/g, () => String(Math.floor(random() * 10))),
      () => text.split('\n').reverse().join('\n'),
      () => text.replaceAll('\n', '\r\n'),
      () => `${text}${text}`,
    ])()
  }
  for (let world = 0; world < worlds; world++) {
    const name = pick(Object.keys(machines))
    const tree = machines[name]?.() ?? assert.fail(name)
    const paths = Object.keys(tree.files)
    const nodes = new Set(paths.flatMap((path) => /nodes\/(\d+)\//.exec(path)?.[1] ?? [])).size
    const some = Array.from({ length: 1 + Math.floor(random() * 6) }, () => pick(paths))
    const files = Object.fromEntries(some.map((path) => [path, mangle(tree.files[path] ?? '')]))
    const errors = Object.fromEntries(Array.from({ length: Math.floor(random() * 4) }, () => [pick(paths), pick(codes)]))
    const damaged = over(tree, { files, errors })
    const why = `seed ${seed}, tree ${world} of ${name}: ${JSON.stringify({ files, errors }).slice(0, 2000)}`
    try {
      const { fs } = inMemory(damaged)
      const shaky = random() < 0.5 ? fs : vanishing(fs, Math.floor(random() * 100), new RegExp(pick(['kfd', 'nodes/3', 'renderD', 'proc'])))
      const inventory = detect(shaky, random() < 0.3 ? { ROCR_VISIBLE_DEVICES: pick(['', '0', '1,0', 'GPU-f', 'x', '7,7']) } : {})
      isSound(inventory, nodes)
      readLinks(shaky, inventory.gpus)
      chooseSubset(inventory.gpus, Math.min(2, inventory.gpus.length))
      finite(await readReadings(patient(damaged), inventory.gpus), 'readings')
    } catch (error) {
      throw new Error(why, { cause: error })
    }
  }
})
