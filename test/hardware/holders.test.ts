import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFdinfo, readHolders, readKfdHolders } from '../../src/hardware/holders.ts'
import { over, patient, type Tree } from '../fixtures/hardware/tree.ts'

const nothing: Tree = { files: {}, links: {}, errors: {}, owners: {}, spaces: {} }

const modern = (client: number, vram: string, address = '0000:1b:00.0'): string =>
  [
    'pos:\t0',
    'flags:\t02100002',
    'drm-driver:\tamdgpu',
    `drm-client-id:\t${client}`,
    `drm-pdev:\t${address}`,
    'drm-total-vram:\t9 GiB',
    `drm-memory-vram:\t${vram}`,
    'drm-memory-gtt: \t2 KiB',
  ].join('\n')

const rows: readonly [claim: string, text: string, bytes: number | undefined][] = [
  ['reads KiB', modern(4, '2048 KiB'), 2 * 2 ** 20],
  ['reads the unit that newer kernels choose', modern(4, '512 MiB'), 512 * 2 ** 20],
  ['reads plain bytes', modern(4, '0'), 0],
  ['reads resident memory where that is all there is', modern(4, '1 KiB').replace('drm-memory-vram', 'drm-resident-vram'), 1024],
  ['reads kernels before 5.19', 'pdev:\t0000:1b:00.0 pasid\npdev:\t0000:1b:00.0\nvram mem:\t1024 kB\n', undefined],
  ['reads kernels before 5.19, whose unit is kB', 'pos:\t0\npdev:\t0000:1b:00.0\npasid:\t32770\nvram mem:\t1024 kB\n', 2 ** 20],
  ['knows no other descriptor', 'pos:\t0\nflags:\t02\nmnt_id:\t20\n', undefined],
  [
    'knows no other driver, whose regions have other names',
    modern(4, '1 KiB').replace('vram', 'local0').replace('memory-vram', 'x'),
    undefined,
  ],
  ['takes no garbage', modern(4, '-1 KiB'), undefined],
]

for (const [claim, text, bytes] of rows) test(`parseFdinfo() ${claim}`, () => assert.equal(parseFdinfo(text)?.vramBytes, bytes))

test('parseFdinfo() names the package of a partition', () => {
  assert.equal(parseFdinfo(modern(4, '1 KiB', '0000:1b:00.5'))?.package, '0000:1b:00.0')
})

const descriptor = (pid: number, number: number, target: string, text: string): Partial<Tree> => ({
  links: { [`/proc/${pid}/fd/${number}`]: target },
  files: { [`/proc/${pid}/fdinfo/${number}`]: text },
})

const with_ = (...parts: readonly Partial<Tree>[]): Tree => parts.reduce<Tree>((tree, part) => over(tree, part), nothing)

test('readHolders() adds up the clients of each process and package, largest first, each client once', async () => {
  const tree = with_(
    descriptor(10, 3, '/dev/dri/renderD128', modern(1, '100 MiB')),
    descriptor(10, 4, '/dev/dri/renderD128', modern(1, '100 MiB')),
    descriptor(10, 5, '/dev/dri/renderD128', modern(2, '28 MiB')),
    descriptor(10, 6, '/dev/dri/renderD136', modern(3, '1 MiB', '0000:3d:00.0')),
    descriptor(11, 9, '/dev/dri/renderD128', modern(7, '1 GiB')),
    descriptor(12, 9, '/dev/dri/renderD128', modern(7, '1 GiB')),
    descriptor(13, 1, '/var/log/x', modern(8, '1 GiB')),
  )
  assert.deepEqual(await readHolders(patient(tree), [10, 11, 12, 13, 99]), [
    { pid: 11, package: '0000:1b:00.0', vramBytes: 2 ** 30 },
    { pid: 10, package: '0000:1b:00.0', vramBytes: 128 * 2 ** 20 },
    { pid: 10, package: '0000:3d:00.0', vramBytes: 2 ** 20 },
  ])
})

test('readHolders() sees nothing in a process that it may not look into', async () => {
  const tree = over(with_(descriptor(10, 3, '/dev/dri/renderD128', modern(1, '1 GiB'))), { errors: { '/proc/10/fd': 'EACCES' } })
  assert.deepEqual(await readHolders(patient(tree), [10]), [])
})

test('readKfdHolders() reads what every KFD process of the machine holds on each GPU', async () => {
  const at = '/sys/class/kfd/kfd/proc'
  const tree = over(nothing, {
    files: {
      [`${at}/4242/vram_55354`]: '1073741824\n',
      [`${at}/4242/sdma_55354`]: '7\n',
      [`${at}/4242/vram_41632`]: '0\n',
      [`${at}/77/vram_41632`]: '2147483648\n',
      [`${at}/78/vram_41632`]: 'x\n',
    },
  })
  assert.deepEqual(await readKfdHolders(patient(tree)), [
    { hostPid: 77, gpuId: 41632, vramBytes: 2 ** 31 },
    { hostPid: 4242, gpuId: 55354, vramBytes: 2 ** 30 },
  ])
  assert.deepEqual(await readKfdHolders(patient(nothing)), [])
})
