import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { detect } from '../../src/hardware/detect.ts'
import { machineFileSystem } from '../../src/hardware/machine.ts'
import { mi300x, mi300xCpx, radeon } from '../fixtures/hardware/machines.ts'
import { inMemory, type Tree, without, writeTree } from '../fixtures/hardware/tree.ts'

const directory = mkdtempSync(join(tmpdir(), 'aim-hardware-'))
after(() => rmSync(directory, { recursive: true, force: true }))

let written = 0
const write = (tree: Tree): string => {
  const root = join(directory, String(written++))
  writeTree(tree, root)
  return root
}

test('machineFileSystem() reads from a directory what the memory holds', () => {
  for (const tree of [mi300x(8), mi300xCpx(2), radeon()]) {
    const expected = detect(inMemory(tree).fs, {})
    const { shmBytes: _, ...host } = expected.host
    assert.deepEqual(detect(machineFileSystem(write(tree)), {}), { ...expected, host })
  }
})

test('machineFileSystem() takes all devices of a captured tree as ours when it holds no dev', () => {
  const { gpus, blocked } = detect(machineFileSystem(write(without(mi300x(2), /^\/dev/))), {})
  assert.equal(gpus.length, 2)
  assert.equal(blocked, undefined)
})

test('machineFileSystem() believes the dev of a captured tree that holds one', () => {
  const { blocked } = detect(machineFileSystem(write(without(mi300x(2), /^\/dev\/kfd/))), {})
  assert.match(blocked?.reason ?? '', /\/dev\/kfd is not in this container/)
})

test('machineFileSystem() shows this machine as the host of a captured tree without proc', () => {
  const { host } = detect(machineFileSystem(write(without(mi300x(1), /^\/proc/))), {})
  const own = detect(machineFileSystem(), {}).host
  assert.deepEqual([host.cpus, host.memoryBytes], [own.cpus, own.memoryBytes])
})

test('machineFileSystem() knows the memory and the CPUs of the machine it runs on', () => {
  const { host, oddities } = detect(machineFileSystem('/'), {})
  assert.ok(host.cpus >= 1)
  assert.ok(host.memoryBytes > 0)
  assert.ok((host.memoryAvailableBytes ?? 0) <= host.memoryBytes)
  assert.deepEqual(
    oddities.filter((oddity) => oddity.startsWith('/proc')),
    [],
  )
})

test('machineFileSystem() answers errors by their code', () => {
  const root = write(mi300x(1))
  const fs = machineFileSystem(root)
  assert.deepEqual(fs.readText('/sys/none'), { ok: false, code: 'ENOENT' })
  assert.deepEqual(fs.readText('/sys'), { ok: false, code: 'EISDIR' })
  assert.deepEqual(fs.list('/proc/meminfo'), { ok: false, code: 'ENOTDIR' })
  assert.deepEqual(fs.access('/dev/none'), { ok: false, code: 'ENOENT' })
  assert.deepEqual(fs.readLink('/proc/meminfo'), { ok: false, code: 'EINVAL' })
  assert.deepEqual(fs.owner('/none'), { ok: false, code: 'ENOENT' })
  assert.deepEqual(fs.space('/none'), { ok: false, code: 'ENOENT' })
  assert.equal(fs.readText('/proc/\u0000').ok, false)
})

test('machineFileSystem() reads links, owners and space', () => {
  const fs = machineFileSystem(write(mi300x(1)))
  assert.deepEqual(fs.readLink('/sys/class/drm/renderD128/device'), { ok: true, value: '../../../devices/pci0000:00/0000:11:00.0' })
  assert.deepEqual(fs.owner('/dev/kfd'), { ok: true, value: { uid: process.getuid?.(), gid: process.getgid?.() } })
  const space = fs.space('/sys')
  assert.ok(space.ok && space.value.totalBytes >= space.value.freeBytes)
})

test('machineFileSystem() refuses a file that no kernel attribute can be', () => {
  const root = join(directory, 'large')
  mkdirSync(join(root, 'sys'), { recursive: true })
  writeFileSync(join(root, 'sys/large'), Buffer.alloc(2 ** 20))
  writeFileSync(join(root, 'sys/fits'), Buffer.alloc(200_000, 'a'))
  const fs = machineFileSystem(root)
  assert.deepEqual(fs.readText('/sys/large'), { ok: false, code: 'EFBIG' })
  const fits = fs.readText('/sys/fits')
  assert.equal(fits.ok && fits.value.length, 200_000)
})
