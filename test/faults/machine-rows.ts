import assert from 'node:assert/strict'
import { get } from '../stage/aim.ts'
import { docker } from '../stage/docker.ts'
import { until } from '../stage/until.ts'
import type { Row } from './row.ts'
import type { Scene } from './scene.ts'

const readyThenTerm = async (scene: Scene): Promise<void> => {
  await scene.ready()
  await scene.signal('TERM')
}

const served = 'loading ready (down)'

/** What the container, its host and its neighbours do to it. */
export const machineRows: readonly Row[] = [
  {
    fault: 'uid 65532 without a passwd entry, no capability, no new privileges, a read-only root',
    words: ['--user', '65532:65532', '--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    act: readyThenTerm,
    probes: served,
    exit: 0,
  },
  {
    fault: 'a read-only root and nowhere to write at all',
    words: ['--read-only', '-v', '/usr/share/doc:/tmp:ro'],
    act: readyThenTerm,
    probes: served,
    exit: 0,
  },
  {
    fault: 'the cache is read-only: 74 before anything is fetched',
    hub: {},
    words: ['-v', '/usr/share/doc:/workspace/model-cache:ro'],
    probes: 'loading',
    exit: 74,
    says: /model-cache/,
  },
  {
    fault: 'the cache is full: 74, and what was begun is gone',
    hub: {},
    words: ['--tmpfs', '/workspace/model-cache:size=1m'],
    probes: 'loading',
    exit: 74,
    says: /space|full/i,
  },
  {
    fault: 'the engine needs more memory than the container may have: the kernel kills it, PID 1 stays to say so',
    words: ['--memory', '400m', '--memory-swap', '400m'],
    environment: { AIM_RESTART: 'never', AIM_ENGINE_COMMAND: '/stage/eat-memory' },
    probes: 'loading',
    exit: 137,
    says: /SIGKILL|memory/,
  },
  {
    fault: 'the engine keeps shared memory and is killed: nothing of it stays in /dev/shm',
    environment: { AIM_ENGINE_COMMAND: '/stage/keep-shared-memory' },
    act: async (scene) => {
      await scene.ready()
      assert.match(await scene.aim.exec('ls', '/dev/shm'), /psm_/)
      await scene.hit('server', 'SIGKILL')
      await scene.restarted()
      assert.equal((await scene.aim.exec('ls', '/dev/shm')).split('\n').filter(Boolean).length, 1)
      await scene.signal('TERM')
    },
    probes: 'loading ready down ready (down)',
    restarts: 1,
    exit: 0,
  },
  {
    fault: 'the engine floods its log: probes answer, nothing is lost of the end',
    environment: { AIM_SIMULATOR_FAULT: 'flood-log=20000' },
    act: readyThenTerm,
    probes: served,
    exit: 0,
  },
  {
    fault: 'nobody reads the log of an engine that floods it: ready, and TERM ends it',
    environment: { AIM_SIMULATOR_FAULT: 'flood-log=20000' },
    unread: true,
    act: readyThenTerm,
    probes: served,
    exit: 0,
  },
  {
    fault: 'the engine writes a line without an end',
    environment: { AIM_ENGINE_COMMAND: '/stage/endless-line' },
    act: readyThenTerm,
    probes: served,
    exit: 0,
  },
  {
    fault: 'the container is paused and goes on: no restart, the stream too',
    act: async (scene) => {
      await scene.ready()
      const streamed = scene.stream(100)
      await scene.pause()
      await docker('unpause', scene.aim.id)
      assert.equal((await streamed).tokens, 100)
      await scene.signal('TERM')
    },
    probes: served,
    exit: 0,
  },
  {
    fault: 'PID 1 is killed: the kernel ends all; the next container on the same cache is ready',
    hub: {},
    act: async (scene) => {
      await scene.ready()
      await docker('kill', '-s', 'KILL', scene.aim.id)
      await until('the end', async () =>
        (await docker('inspect', '-f', '{{.State.Running}}', scene.aim.id)) === 'false' ? true : undefined,
      )
      await docker('start', scene.aim.id)
      await scene.ready()
      await docker('kill', '-s', 'KILL', scene.aim.id)
    },
    probes: 'loading ready loading ready',
    exit: 137,
    killed: true,
  },
  {
    fault: 'PID 1 is killed in the middle of a pull: the next one takes the lock and finishes',
    hub: { faults: [{ kind: 'drip', at: 'cdn', bytesPerSecond: 100_000, times: 2 }] },
    act: async (scene) => {
      await until('bytes', async () => ((await scene.aim.status()).phases.find(({ name }) => name === 'pull')?.done ? true : undefined))
      await docker('kill', '-s', 'KILL', scene.aim.id)
      await until('the end', async () =>
        (await docker('inspect', '-f', '{{.State.Running}}', scene.aim.id)) === 'false' ? true : undefined,
      )
      await docker('start', scene.aim.id)
      await readyThenTerm(scene)
    },
    probes: 'loading ready (down)',
    exit: 0,
    // Part files of the puller that was killed stay: who else could pull into this cache at that moment is not known.
    killed: true,
  },
  {
    fault: 'a process namespace shared with others, as shareProcessNamespace has it: their processes stay',
    act: async (scene) => {
      await scene.ready()
      const neighbour = await docker(
        'run',
        '-d',
        '--rm',
        '--pid',
        `container:${scene.aim.id}`,
        '--entrypoint',
        'sleep',
        await docker('inspect', '-f', '{{.Config.Image}}', scene.aim.id),
        '600',
      )
      await scene.hit('server', 'SIGKILL')
      await until('a restart', async () =>
        (await scene.aim.status()).restarts === 1 && (await scene.aim.status()).ready ? true : undefined,
      )
      assert.equal(await docker('inspect', '-f', '{{.State.Running}}', neighbour), 'true')
      await scene.signal('TERM')
    },
    probes: 'loading ready down ready (down)',
    restarts: 1,
    exit: 0,
  },
  {
    fault: 'hundreds of clients keep their connections to the probes open',
    act: async (scene) => {
      await scene.ready()
      const answers = await Promise.all(Array.from({ length: 300 }, () => get(`${scene.aim.ops}/readyz`)))
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
      await scene.signal('TERM')
    },
    probes: served,
    exit: 0,
  },
]
