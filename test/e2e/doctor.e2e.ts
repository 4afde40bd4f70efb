import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Finding } from '../../src/plan/finding.ts'
import { aimCommand, bareEnvironment } from '../stage/aim.ts'
import { makeMachine, owner } from '../stage/machine.ts'

const namespace = ['unshare', '--mount', '--propagation', 'private'] as const
const possible = spawnSync(namespace[0], [...namespace.slice(1), 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0

/** How a container is set up, in the parts of docker's options that matter here. */
type SetUp = {
  readonly devices: boolean
  readonly groups: readonly number[]
  readonly shm: string
  /** What lies at the cache's place: another directory, or itself and read-only. */
  readonly cache: 'disk' | 'read-only'
  readonly masks: Readonly<Record<string, string>>
}

const right: SetUp = { devices: true, groups: [owner.gid], shm: '8g', cache: 'disk', masks: {} }

/** Lays the machine over /sys and /dev and runs the rest of its words without any capability, as a container's process. */
const script = `set -e
mount --bind "$PLACE/sys" /sys
mount --bind "$PLACE/$DEVICES" /dev
mount -t tmpfs -o "size=$SHM" tmpfs /dev/shm
mount --bind "$PLACE/$CACHE" "$PLACE/cache"
[ "$CACHE" = disk ] || mount -o remount,bind,ro "$PLACE/cache"
exec setpriv "$GROUPS_WORD" --inh-caps=-all --bounding-set=-all "$@"`

describe('a doctor whose fixes are followed', () => {
  let place: string
  before(() => {
    if (!possible) return
    place = mkdtempSync(join(tmpdir(), 'aim-doctor-'))
    makeMachine(place)
    for (const path of ['dev/shm', 'bare/shm', 'cache', 'disk']) mkdirSync(join(place, path), { recursive: true })
    for (const path of ['dev/null', 'bare/null']) spawnSync('mknod', ['-m', '666', join(place, path), 'c', '1', '3'])
  })
  after(() => rmSync(place ?? '/nothing', { recursive: true, force: true }))

  const doctor = ({ devices, groups, shm, cache, masks }: SetUp) =>
    new Promise<{ readonly code: number; readonly findings: readonly Finding[] }>((resolve) => {
      const environment = {
        ...{ PLACE: place, DEVICES: devices ? 'dev' : 'bare', SHM: shm, CACHE: cache === 'disk' ? 'disk' : 'cache' },
        GROUPS_WORD: groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
        ...{ HF_HUB_OFFLINE: '1', AIM_ENGINE_COMMAND: '/bin/true', HF_HUB_CACHE: join(place, 'cache'), ...masks },
      }
      const words = [...namespace.slice(1), 'sh', '-c', script, 'sh', ...aimCommand, 'doctor', '--format', 'json']
      execFile(namespace[0], words, { env: { ...bareEnvironment(), ...environment } }, (_, stdout, stderr) => {
        if (stdout === '') throw new Error(stderr)
        const { exitCode: code, findings } = JSON.parse(stdout)
        resolve({ code, findings })
      })
    })

  /** Does what the words of a fix for docker ask for; a word that is not known here is not followed. */
  const follow = (setUp: SetUp, fix: string): SetUp => {
    const group = [...fix.matchAll(/--group-add (\d+)/g)].map(([, gid]) => Number(gid))
    const shm = /--shm-size=(\d+g)/.exec(fix)?.[1]
    return {
      devices: setUp.devices || (fix.includes('--device=/dev/kfd') && fix.includes('--device=/dev/dri')),
      groups: [...setUp.groups, ...group],
      shm: shm ?? setUp.shm,
      cache: fix.includes(`-v /large/disk:${join(place, 'cache')}`) ? 'disk' : setUp.cache,
      masks: fix.startsWith('unset CUDA_VISIBLE_DEVICES') ? { HIP_VISIBLE_DEVICES: setUp.masks.HIP_VISIBLE_DEVICES ?? '' } : setUp.masks,
    }
  }

  const rows: readonly [claim: string, wrong: Partial<SetUp>, code: number, what: RegExp][] = [
    ['no devices', { devices: false }, 69, /2 GPUs \(MI300X\).*\/dev\/kfd is not in this container/],
    ['a user outside of the group of the devices', { groups: [] }, 77, /may not read and write \/dev\/kfd and 2 more \(EACCES\)/],
    [
      'masks that contradict each other',
      { masks: { HIP_VISIBLE_DEVICES: '1,0', CUDA_VISIBLE_DEVICES: '0' } },
      78,
      /HIP_VISIBLE_DEVICES=1,0 and CUDA_VISIBLE_DEVICES=0 differ/,
    ],
    ['the /dev/shm of docker', { shm: '64m' }, 0, /\/dev\/shm has 64 MiB for 2 GPUs/],
    ['a cache that cannot be written', { cache: 'read-only' }, 74, /cannot be written \(EROFS\)/],
  ]

  for (const [claim, wrong, code, what] of rows) {
    test(`${claim}: one finding more, and none after its fix`, async (t) => {
      if (!possible) return t.diagnostic('no mount namespace can be made here (not root?): this check did not run')
      // Limits of the machine that runs this are its own affair.
      const usual = new Set((await doctor(right)).findings.map((finding) => finding.what))
      const besides = ({ findings }: { readonly findings: readonly Finding[] }) => findings.filter((finding) => !usual.has(finding.what))
      const setUp = { ...right, ...wrong }
      const broken = await doctor(setUp)
      const [finding, ...more] = besides(broken)
      assert.deepEqual([broken.code, more], [code, []])
      assert.match(finding?.what ?? '', what)
      const mended = await doctor(follow(setUp, finding?.fix.docker ?? ''))
      assert.deepEqual([mended.code, besides(mended)], [0, []])
    })
  }
})
