import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Finding } from '../../src/plan/finding.ts'
import { buildImage, image, runToEnd } from '../stage/docker.ts'
import { makeMachine, owner } from '../stage/machine.ts'

type Answer = { readonly code: number; readonly findings: readonly Finding[]; readonly screen: string }

/**
 * Containers whose /sys shows two MI300X and whose device nodes are made up; what the device cgroup and permissions say is the real kernel's.
 */
describe("doctor's fixes, applied to containers that are set up wrong", () => {
  let place: string
  const at = (name: string): string => join(place, name)
  before(async () => {
    await buildImage()
    place = mkdtempSync(join(tmpdir(), 'aim-doctor-'))
    chmodSync(place, 0o755)
    makeMachine(place)
    mkdirSync(at('disk'))
    chmodSync(at('disk'), 0o777)
  })
  after(() => rmSync(place, { recursive: true, force: true }))

  /** Set up right: every other one differs in one thing. */
  const right = (): Record<string, readonly string[]> => ({
    devices: [`--device=${at('dev/kfd')}:/dev/kfd`, `--device=${at('dev/dri')}:/dev/dri`],
    groups: ['--group-add', String(owner.gid)],
    user: ['--user', '65532:65532'],
    shm: ['--shm-size=8g'],
    cache: ['-v', `${at('disk')}:/workspace/model-cache/hub`],
    masks: [],
  })

  const doctor = async (words: readonly string[]): Promise<Answer> => {
    const variables = ['HF_HUB_OFFLINE=1', 'AIM_ENGINE_COMMAND=/bin/true'].flatMap((variable) => ['-e', variable])
    const run = ['-v', `${at('sys')}:/sys:ro`, '--network', 'none', ...variables, ...words, image, 'doctor']
    const { output: screen } = await runToEnd(run)
    const { code, output } = await runToEnd([...run, '--format', 'json'])
    return { code, findings: JSON.parse(output).findings, screen }
  }

  /** What doctor prints for docker, as words: its devices and disk are those of this test, and what is in brackets is said to a person. */
  const asWords = (fix: string): readonly string[] =>
    fix
      .replace(/ \(.*\)$/, '')
      .replaceAll(/--device=\/dev\/(\w+)/g, (_, name: string) => `--device=${at(`dev/${name}`)}:/dev/${name}`)
      .replace('/large/disk', at('disk'))
      .split(' ')

  const rows: readonly {
    readonly claim: string
    /** The part of the right set-up that is wrong, what stands there instead, and what the fix takes the place of. */
    readonly part: string
    readonly wrong: () => readonly string[]
    readonly code: number
    readonly what: RegExp
    /** The fix goes beside what is wrong, and not in its place. */
    readonly beside?: true
    /** For a fix in words: what a person does who follows it. */
    readonly follow?: (fix: string) => readonly string[]
  }[] = [
    { claim: 'no devices', part: 'devices', wrong: () => [], code: 69, what: /2 GPUs \(MI300X\).*\/dev\/kfd is not in this container/ },
    {
      claim: 'devices as mere mounts',
      part: 'devices',
      wrong: () => ['-v', `${at('dev/kfd')}:/dev/kfd`, '-v', `${at('dev/dri')}:/dev/dri`],
      code: 77,
      what: /device cgroup denies \/dev\/kfd \(EPERM\); a bind mount is not enough/,
    },
    {
      claim: 'a user outside of the group of the devices',
      part: 'groups',
      wrong: () => [],
      code: 77,
      what: /may not read and write \/dev\/kfd.*\(EACCES\)/,
    },
    {
      claim: 'masks that contradict each other',
      part: 'masks',
      wrong: () => ['-e', 'HIP_VISIBLE_DEVICES=0', '-e', 'CUDA_VISIBLE_DEVICES=1'],
      code: 78,
      what: /HIP_VISIBLE_DEVICES=0 and CUDA_VISIBLE_DEVICES=1 differ/,
      follow: (fix) => {
        assert.match(fix, /unset CUDA_VISIBLE_DEVICES, or set both to the same list/)
        return ['-e', 'HIP_VISIBLE_DEVICES=1,0', '-e', 'CUDA_VISIBLE_DEVICES=1,0']
      },
    },
    { claim: 'the /dev/shm of docker', part: 'shm', wrong: () => [], code: 0, what: /\/dev\/shm has 64 MiB for 2 GPUs/ },
    {
      claim: 'a cache in a read-only layer',
      part: 'cache',
      wrong: () => ['--read-only', '--tmpfs', '/tmp'],
      beside: true,
      code: 74,
      what: /cache .* cannot be written \(EROFS\)/,
    },
    { claim: "a cache in the container's layer", part: 'cache', wrong: () => ['--user', '0:0'], code: 0, what: /own layer \(overlay\)/ },
  ]

  // Limits of open files and locked memory are the daemon's, which not every machine lets it raise.
  const ofTheDaemon = /\((?:nofile|memlock)\)$/
  const besides = ({ findings }: Answer): readonly Finding[] => findings.filter(({ what }) => !ofTheDaemon.test(what))

  test('a container that is set up right has nothing wrong', async () => {
    const answer = await doctor(Object.values(right()).flat())
    assert.deepEqual([answer.code, besides(answer)], [0, []], answer.screen)
  })

  for (const { claim, part, wrong, code, what, beside, follow = asWords } of rows) {
    test(`${claim}: one finding, and none after its fix`, async (t) => {
      const broken = await doctor(Object.values({ ...right(), [part]: wrong() }).flat())
      t.diagnostic(broken.screen)
      const [finding, ...more] = besides(broken)
      assert.deepEqual([broken.code, more], [code, []], broken.screen)
      assert.match(finding?.what ?? '', what)
      const words = [...(beside ? wrong() : []), ...follow(finding?.fix.docker ?? '')]
      const mended = await doctor(Object.values({ ...right(), [part]: words }).flat())
      assert.deepEqual([mended.code, besides(mended)], [0, []], `${words.join(' ')}\n${mended.screen}`)
    })
  }
})
