import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTopology } from '../../src/hardware/kfd.ts'
import { mi300x, noGpu } from '../fixtures/hardware/machines.ts'
import { inMemory, over, type Tree, without } from '../fixtures/hardware/tree.ts'

const nodes = '/sys/class/kfd/kfd/topology/nodes'
const read = (tree: Tree) => readTopology(inMemory(tree).fs)

test('readTopology() without KFD says that there is no driver', () => {
  assert.deepEqual(read(noGpu()), { driver: false, gpus: [], hidden: [], oddities: [] })
})

test('readTopology() lists GPUs in node order, as numbers', () => {
  const found = read(mi300x(12)).gpus.map(({ node }) => node)
  assert.deepEqual(found, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
})

test('readTopology() never lists what is no node', () => {
  const { gpus, oddities } = read(over(mi300x(1), { files: { [`${nodes}/garbage/gpu_id`]: '9\n', [`${nodes}/-1/gpu_id`]: '9\n' } }))
  assert.equal(gpus.length, 1)
  assert.deepEqual(oddities, [])
})

const errors: readonly [
  claim: string,
  errors: Record<string, string>,
  gpus: number,
  hidden: readonly RegExp[],
  oddities: readonly RegExp[],
][] = [
  ['EPERM on gpu_id hides the node', { gpu_id: 'EPERM' }, 1, [/not given to this container/], []],
  ['EPERM on properties hides the node', { properties: 'EPERM' }, 1, [/not given to this container/], []],
  ['EBUSY on properties hides a GPU with its code', { properties: 'EBUSY' }, 1, [/EBUSY/], []],
  ['gpu_id may be missing', { gpu_id: 'ENOENT' }, 2, [], []],
  [
    'another error on gpu_id is odd, and the properties decide',
    { gpu_id: 'EINVAL' },
    2,
    [],
    [/gpu_id of KFD node 2 cannot be read \(EINVAL\)/],
  ],
  ['a node of which nothing can be read is odd', { gpu_id: 'EBUSY', properties: 'EBUSY' }, 1, [], [/may be a GPU or not/]],
  ['a memory bank may be missing', { 'mem_banks/0/properties': 'ENOENT' }, 2, [], []],
]

for (const [claim, codes, gpus, hidden, oddities] of errors) {
  test(`readTopology(): ${claim}`, () => {
    const found = read(
      over(mi300x(2), { errors: Object.fromEntries(Object.entries(codes).map(([file, code]) => [`${nodes}/2/${file}`, code])) }),
    )
    assert.equal(found.gpus.length, gpus)
    assert.equal(found.hidden.length, hidden.length)
    for (const [at, reason] of hidden.entries()) assert.match(found.hidden[at]?.reason ?? '', reason)
    assert.equal(found.oddities.length, oddities.length)
    for (const [at, oddity] of oddities.entries()) assert.match(found.oddities[at] ?? '', oddity)
  })
}

const garbage: readonly [claim: string, text: string][] = [
  ['an empty file', ''],
  ['one blank line', '\n'],
  ['binary', '\u0000\u0001\u0002\ufffd\ufffd\u0000'],
  ['no newline at the end', 'simd_count 1216'],
  ['values beyond 64 bits', 'simd_count 99999999999999999999999\n'],
  ['a megabyte on one line', 'x'.repeat(2 ** 20)],
  ['another format', '{"simd_count": 1216}\n'],
]

for (const [claim, text] of garbage) {
  test(`readTopology() takes ${claim} for any file of a node`, () => {
    for (const file of ['gpu_id', 'properties', 'mem_banks/0/properties']) {
      const { gpus } = read(over(mi300x(2), { files: { [`${nodes}/2/${file}`]: text } }))
      assert.ok(gpus.some(({ node }) => node === 3))
    }
  })
}

test('readTopology() states garbage as an oddity', () => {
  const { gpus, oddities } = read(
    over(mi300x(1), { files: { [`${nodes}/2/properties`]: 'nonsense\nsimd_count 8\n', [`${nodes}/2/gpu_id`]: 'x' } }),
  )
  assert.equal(gpus.length, 1)
  assert.deepEqual(oddities, ['1 lines of KFD node 2 are not "key value"', 'gpu_id of KFD node 2 is no number'])
})

test('readTopology() says when the nodes cannot be listed', () => {
  const { driver, oddities } = read(over(mi300x(1), { errors: { [nodes]: 'EACCES' } }))
  assert.equal(driver, true)
  assert.match(oddities[0] ?? '', /cannot be listed \(EACCES\)/)
})

test('readTopology() reads again while the topology changes, and gives up after three times', () => {
  const { fs } = inMemory(mi300x(1))
  let generation = 0
  const restless = {
    ...fs,
    readText: (path: string) => (path.endsWith('generation_id') ? { ok: true as const, value: `${generation++}` } : fs.readText(path)),
  }
  const { gpus, oddities } = readTopology(restless)
  assert.equal(gpus.length, 1)
  assert.equal(generation, 6)
  assert.match(oddities[0] ?? '', /changed during each of 3 readings/)
})

test('readTopology() works without generation_id', () => {
  assert.equal(read(without(mi300x(1), /generation_id/)).gpus.length, 1)
})
