import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { writeCapture } from '../../src/cli/capture.ts'
import { captureMachine } from '../../src/hardware/capture.ts'
import { detect } from '../../src/hardware/detect.ts'
import { readLinks } from '../../src/hardware/links.ts'
import { answersOf, machineFileSystem } from '../../src/hardware/machine.ts'
import { machines, mi300x } from '../fixtures/hardware/machines.ts'
import { inMemory, over, type Tree, writeTree } from '../fixtures/hardware/tree.ts'
import { aimCommand, bareEnvironment } from '../stage/aim.ts'

const nodes = '/sys/class/kfd/kfd/topology/nodes'

/** Four MI300X of which one is kept from us, one is in reset, one's CPU quota is bounded; with links and a memory limit. */
const troubled = (): Tree =>
  over(mi300x(4), {
    errors: {
      [`${nodes}/2/gpu_id`]: 'EPERM',
      [`${nodes}/2/properties`]: 'EPERM',
      '/sys/devices/pci0000:00/0000:19:00.0/mem_info_vram_used': 'EBUSY',
    },
    files: {
      [`${nodes}/4/io_links/0/properties`]: 'type 2\nnode_to 1\nweight 20\n',
      [`${nodes}/4/io_links/1/properties`]: 'type 11\nnode_to 5\nweight 15\n',
      '/sys/fs/cgroup/memory.max': '68719476736\n',
      '/proc/sys/kernel/numa_balancing': '1\n',
    },
  })

describe('a captured machine', () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'aim-capture-test-'))
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  const roundTrip = async (tree: Tree, name: string, environment: Record<string, string> = {}) => {
    const { fs } = inMemory(tree)
    const file = join(directory, `${name}.tar.gz`)
    await writeCapture(captureMachine(fs, environment), file)
    const root = join(directory, name)
    mkdirSync(root)
    execFileSync('tar', ['-xzf', file, '-C', root])
    return { before: detect(fs, environment), after: detect(machineFileSystem(root), { ...answersOf(root)?.environment }), root, fs }
  }

  for (const [name, make] of Object.entries({ ...machines, troubled })) {
    test(`${name} is the same machine after the way through a tar`, async () => {
      const { before: seen, after: read } = await roundTrip(make(), name)
      assert.deepEqual(read, seen)
    })
  }

  test('links, masks and owners come along', async () => {
    const environment = { ROCR_VISIBLE_DEVICES: '1,0', HF_TOKEN: 'hf_secret', PATH: '/bin' }
    const { before: seen, after: read, root, fs } = await roundTrip(troubled(), 'links', environment)
    assert.deepEqual(read, seen)
    assert.equal(read.gpus.length, 2)
    const again = machineFileSystem(root)
    const all = [2, 3, 4, 5].map((node, index) => ({ node, index }))
    assert.deepEqual(readLinks(again, all), readLinks(fs, all))
    assert.deepEqual(again.owner('/dev/kfd'), { ok: true, value: { uid: 0, gid: 109 } })
    assert.deepEqual(answersOf(root)?.environment, { ROCR_VISIBLE_DEVICES: '1,0' })
    assert.deepEqual(
      readdirSync(directory).filter((entry) => entry.startsWith('aim-capture-')),
      [],
    )
  })

  test('nothing of the process or its user is in it', () => {
    const status = 'Name:\taim\nUid:\t1000\t1000\nCpus_allowed_list:\t0-3\n'
    const { files } = captureMachine(inMemory(over(mi300x(1), { files: { '/proc/self/status': status } })).fs, {})
    assert.equal(files['/proc/self/status'], 'Cpus_allowed_list:\t0-3\n')
  })

  const [node, main] = aimCommand
  const aim = (...words: string[]) => spawnSync(node, [main ?? '', ...words], { encoding: 'buffer', env: bareEnvironment() })

  test('aim gpus --capture - gives a tar that --root reads, and a tar itself is no root', () => {
    const tree = join(directory, 'tree')
    writeTree(mi300x(2), tree)
    const { stdout, status } = aim('gpus', '--root', tree, '--capture', '-')
    assert.equal(status, 0)
    const root = join(directory, 'piped')
    mkdirSync(root)
    execFileSync('tar', ['-xz', '-C', root], { input: stdout })
    const { gpus } = JSON.parse(aim('gpus', '--root', root, '--format', 'json').stdout.toString())
    assert.deepEqual(gpus, JSON.parse(aim('gpus', '--root', tree, '--format', 'json').stdout.toString()).gpus)
    const packed = aim('gpus', '--root', join(directory, 'x.tar.gz'))
    assert.equal(packed.status, 78)
    assert.match(packed.stderr.toString(), /unpack it first: mkdir machine && tar -xzf/)
    const nowhere = aim('gpus', '--root', tree, '--capture', '/proc/nothing/x.tar.gz')
    assert.equal(nowhere.status, 74)
    assert.match(nowhere.stderr.toString(), /cannot capture this machine to \/proc\/nothing/)
  })

  test('aim gpus --watch looks again until it is told to stop, and ends with 0', async () => {
    const tree = join(directory, 'watched')
    writeTree(mi300x(2), tree)
    const child = spawn(node, [main ?? '', 'gpus', '--root', tree, '--watch', '0.1'], { env: bareEnvironment() })
    let text = ''
    const twice = new Promise<void>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (part: string) => {
        text += part
        if ((text.match(/^1 +MI300X .* 300 MiB of 192 GiB/gm) ?? []).length >= 2) resolve()
      })
    })
    const ended = once(child, 'close')
    await Promise.race([twice, ended.then(() => assert.fail(`it ended: ${text}`))])
    child.kill('SIGTERM')
    assert.deepEqual((await ended)[0], 0)
    assert.equal(aim('gpus', '--root', tree, '--watch', 'soon').status, 2)
  })
})
