import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { processTable } from '../../src/supervisor/proc.ts'
import { type Aim, aimCommand, get, startAim } from '../stage/aim.ts'
import { type Stage, setStage } from '../stage/model.ts'
import { until } from '../stage/until.ts'

const namespace = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child'] as const
const possible = spawnSync(namespace[0], [...namespace.slice(1), 'true']).status === 0

/** aim as a real PID 1 over an engine that is a shell script. */
type Scene = {
  readonly aim: Aim
  /** Pid of PID 1, seen from here. */
  readonly pid: number
  /** Pid of the engine, seen from here, once it has said that it runs. */
  readonly engine: number
  readonly signal: (name: NodeJS.Signals) => void
  /** Waits for the engine to print a line. */
  readonly says: (line: RegExp) => Promise<unknown>
  readonly metric: (name: string) => Promise<number>
}

/** What tini 0.19 or dumb-init 1.2.5 publish that they do, by their README, `-h` and sources. */
type Row = {
  readonly peer: string
  readonly behaviour: string
  /** Ours: the same, or what we do instead and why. */
  readonly ours: 'kept' | `different: ${string}`
  /** Lines of the engine before it says that it runs. */
  readonly engine?: string
  readonly environment?: Readonly<Record<string, string>>
  /** Not as PID 1: by itself, or as the child of a shell. */
  readonly outside?: 'alone' | 'below a shell'
  readonly check: (scene: Scene) => Promise<void>
}

/** Names each signal that it gets; ends by TERM alone. */
const tells = `for s in HUP INT QUIT USR1 USR2 ALRM WINCH TSTP TTIN TTOU; do trap "echo got $s" $s; done; trap 'echo got TERM; exit 0' TERM\n`
const once = { AIM_RESTART: 'never' }

const status = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? ''
const entry = (pid: number) => processTable().find((process) => process.pid === pid)
const endsWith =
  (code: number) =>
  async ({ aim }: Scene) =>
    assert.equal(await aim.exited, code)

const rows: readonly Row[] = [
  {
    peer: 'tini, dumb-init',
    behaviour: 'zombies of orphans are reaped',
    ours: 'kept',
    engine: 'i=0; while [ $i -lt 50 ]; do (sleep 0.3 &); i=$((i+1)); done\n',
    check: async ({ pid, metric }) => {
      await until('50 reaped', async () => ((await metric('aim_reaped_processes_total')) >= 50 ? true : undefined))
      assert.deepEqual(
        processTable().filter(({ parent, state }) => parent === pid && state === 'Z'),
        [],
      )
    },
  },
  {
    peer: 'tini, dumb-init',
    behaviour: 'the exit code of the child is theirs',
    ours: 'kept',
    engine: 'exit 42\n',
    environment: once,
    check: endsWith(42),
  },
  {
    peer: 'tini, dumb-init',
    behaviour: 'a child that exits with 0 ends them with 0',
    ours: 'different: an engine that nobody asked to end has failed, so its 0 becomes 1',
    engine: 'exit 0\n',
    environment: once,
    check: endsWith(1),
  },
  {
    peer: 'tini, dumb-init',
    behaviour: 'a child that a signal ended gives 128 + its number',
    ours: 'kept',
    engine: 'kill -SEGV $$\n',
    environment: once,
    check: endsWith(139),
  },
  {
    peer: 'tini, dumb-init',
    behaviour: 'they end with their child',
    ours: 'different: the engine is started again within its restart budget',
    check: async ({ aim, engine, says }) => {
      process.kill(engine, 'SIGKILL')
      await until('a restart', async () => ((await aim.status()).restarts === 1 ? true : undefined))
      await says(/^runs$[\s\S]*^runs$/m)
    },
  },
  {
    peer: 'tini -e CODE',
    behaviour: 'an exit code can be mapped to 0, such as the 143 of a child that TERM ended',
    ours: 'different: a stop that was asked for is 0 by itself, whatever the engine made of it',
    check: async ({ aim, signal }) => {
      signal('SIGTERM')
      assert.equal(await aim.exited, 0)
      assert.match(aim.output(), /the engine was ended by SIGTERM/)
    },
  },
  {
    peer: 'tini, dumb-init -c',
    behaviour: 'TERM is passed on to the child alone',
    ours: 'kept',
    engine: `${tells}sh -c 'trap "echo worker got TERM" TERM; echo worker; while :; do sleep 0.1; done' &\n`,
    check: async ({ aim, signal, says }) => {
      await says(/^worker$/m)
      signal('SIGTERM')
      assert.equal(await aim.exited, 0)
      assert.match(aim.output(), /^got TERM$/m)
      assert.doesNotMatch(aim.output(), /worker got/)
    },
  },
  {
    peer: 'tini -g, dumb-init',
    behaviour: 'signals go to the whole group of the child',
    ours: "different: TERM would make vLLM's workers leave before it has finished; SIGKILL goes to the group",
    engine: `trap "" TERM\nsh -c 'trap "echo worker got TERM" TERM; echo worker; while :; do sleep 0.1; done' &\n`,
    environment: { AIM_STOP_TIMEOUT: '300ms' },
    check: async ({ aim, pid, signal, says }) => {
      await says(/^worker$/m)
      const tree = processTable().filter(
        ({ session, parent }) => parent !== 0 && session === processTable().find((each) => each.parent === pid)?.session,
      )
      assert.ok(tree.length >= 2)
      signal('SIGTERM')
      assert.equal(await aim.exited, 0)
      assert.doesNotMatch(aim.output(), /worker got/)
      assert.deepEqual(
        tree.filter(({ pid: each, startTime }) => entry(each)?.startTime === startTime),
        [],
      )
    },
  },
  {
    peer: 'tini, dumb-init',
    behaviour: 'every other signal is passed on too (HUP, USR1, USR2, QUIT, ALRM, WINCH)',
    ours: 'different: they speak to us, and vLLM gives none of them a meaning but to die of it',
    engine: tells,
    check: async ({ aim, signal, says }) => {
      for (const name of ['SIGHUP', 'SIGUSR2', 'SIGALRM', 'SIGWINCH', 'SIGUSR1'] as const) signal(name)
      await says(/status state=starting/)
      assert.doesNotMatch(aim.output(), /^got /m)
      signal('SIGQUIT')
      assert.equal(await aim.exited, 0)
      assert.deepEqual(aim.output().match(/^got .*$/gm), ['got TERM'])
    },
  },
  {
    peer: 'dumb-init -r FROM:TO',
    behaviour: 'a signal can be rewritten to another before it is passed on',
    ours: 'different: what stops us always becomes the TERM that vLLM takes for a graceful stop',
    engine: tells,
    check: async ({ aim, signal }) => {
      signal('SIGINT')
      assert.equal(await aim.exited, 0)
      assert.deepEqual(aim.output().match(/^got .*$/gm), ['got TERM'])
    },
  },
  {
    peer: 'dumb-init',
    behaviour: 'TSTP, TTIN and TTOU suspend the child, then dumb-init itself',
    ours: 'different: a supervisor that is suspended answers no probe; nothing happens',
    engine: tells,
    check: async ({ aim, pid, engine, signal }) => {
      for (const name of ['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const) signal(name)
      assert.equal(await aim.probe('/livez'), 200)
      for (const each of [pid, engine]) assert.doesNotMatch(entry(each)?.state ?? '', /T/)
    },
  },
  {
    peer: 'dumb-init',
    behaviour: 'the child leads a session of its own',
    ours: 'kept',
    check: async ({ engine }) => assert.deepEqual([entry(engine)?.session, entry(engine)?.group], [engine, engine]),
  },
  {
    peer: 'tini',
    behaviour: 'the child gets the terminal as its foreground group',
    ours: 'different: an engine reads no terminal; its stdin is /dev/null and a ^C comes to us alone',
    engine: 'tty; readlink /proc/self/fd/0\n',
    check: async ({ aim }) => assert.match(aim.output(), /^not a tty\n\/dev\/null$/m),
  },
  {
    peer: 'tini, dumb-init',
    behaviour: 'the child starts with no signal blocked or ignored that was not so before',
    ours: 'kept',
    check: async ({ engine }) => {
      assert.match(status(engine, 'SigBlk'), /^0+$/)
      // SIGPIPE is ignored by Node and reset for its children.
      assert.match(status(engine, 'SigIgn'), /^0+$/)
    },
  },
  {
    peer: 'tini -s',
    behaviour: 'where it is not PID 1 it adopts orphans as a subreaper',
    ours: 'kept',
    outside: 'alone',
    engine: '(setsid sleep 987 &)\n',
    check: async ({ pid }) =>
      void (await until('the orphan is ours', () =>
        processTable().some(({ parent, name }) => parent === pid && name === 'sleep') ? true : undefined,
      )),
  },
  {
    peer: 'tini -p SIGNAL',
    behaviour: 'it is signalled when its parent dies',
    ours: 'different: only a stop that was asked for stops us; in a container there is no parent to lose',
    outside: 'below a shell',
    check: async ({ aim, pid }) => {
      process.kill(aim.child.pid ?? 0, 'SIGKILL')
      await until('another parent', () => (entry(pid)?.parent !== aim.child.pid ? true : undefined))
      assert.equal(await aim.probe('/livez'), 200)
    },
  },
  {
    peer: 'tini -w',
    behaviour: 'a warning for each process that is reaped',
    ours: 'different: they are counted in a metric, since thousands of lines warn nobody',
    engine: '(sleep 0.2 &)\n',
    check: async ({ aim, metric }) => {
      await until('one reaped', async () => ((await metric('aim_reaped_processes_total')) >= 1 ? true : undefined))
      assert.doesNotMatch(aim.output(), /reap/i)
    },
  },
  {
    peer: 'tini, dumb-init',
    behaviour: 'a program that is not there ends them with 127',
    ours: 'kept',
    environment: { AIM_ENGINE_COMMAND: '/absent/vllm' },
    check: endsWith(127),
  },
  {
    peer: 'tini',
    behaviour: 'a program that may not be executed ends it with 126',
    ours: 'kept',
    environment: { AIM_ENGINE_COMMAND: '/etc/passwd' },
    check: endsWith(126),
  },
  {
    peer: 'dumb-init',
    behaviour: 'what is left of the session gets TERM when the child has ended',
    ours: 'different: it is killed, in other sessions too, for it may hold GPU memory',
    engine: 'setsid sh -c \'trap "" TERM; echo stray; while :; do sleep 0.1; done\' &\nsleep 0.3\nexit 5\n',
    environment: once,
    check: async ({ aim, pid }) => {
      assert.equal(await aim.exited, 5)
      assert.match(aim.output(), /^stray$/m)
      assert.match(aim.output(), /reclaiming -> terminated/)
      assert.equal(entry(pid), undefined)
    },
  },
]

const signalQuietly = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

describe('what tini and dumb-init publish, as a PID 1', () => {
  let stage: Stage
  let serial = 0
  before(async () => {
    stage = await setStage({ megabytes: 1, shards: 1 })
  })
  after(() => stage[Symbol.asyncDispose]())

  const commands = {
    alone: aimCommand,
    'below a shell': ['/bin/sh', '-c', '"$@"; :', 'sh', ...aimCommand],
  } as const

  const enter = async ({ engine = '', environment = {}, outside }: Row): Promise<Scene> => {
    const program = join(stage.directory, `engine-${serial++}`)
    writeFileSync(program, `#!/bin/sh\n${engine}echo runs\nwhile :; do sleep 0.1 & wait $!; done\n`)
    chmodSync(program, 0o755)
    const aim = await startAim({
      command: outside === undefined ? [...namespace, ...aimCommand] : commands[outside],
      environment: {
        ...{ AIM_ENGINE: 'simulator', AIM_ENGINE_COMMAND: program, AIM_RESTART_BACKOFF: '10ms' },
        ...{ HF_ENDPOINT: stage.hub.url, AIM_CACHE_PATH: stage.cache, AIM_MODEL_ID: stage.repo, ...environment },
      },
    })
    const ends = /^exit|\nexit|kill -SEGV/.test(engine) || environment.AIM_ENGINE_COMMAND !== undefined
    const says = (line: RegExp) => until(String(line), () => (line.test(aim.output()) ? true : undefined))
    if (!ends) await says(/^runs$/m)
    const pid = outside === 'alone' ? (aim.child.pid ?? 0) : (processTable().find(({ parent }) => parent === aim.child.pid)?.pid ?? 0)
    return {
      aim,
      pid,
      engine: processTable().find(({ parent, name }) => parent === pid && name.startsWith('engine-'))?.pid ?? 0,
      signal: (name) => process.kill(pid, name),
      says,
      metric: async (name) =>
        Number(new RegExp(`^${name} (\\d+)`, 'm').exec((await get(`http://127.0.0.1:${aim.opsPort}/metrics`)).body)?.[1]),
    }
  }

  for (const row of rows)
    test(`${row.peer}: ${row.behaviour} | ${row.ours}`, async (t) => {
      if (!possible) return t.diagnostic('no PID namespace can be made here (not root?): this check did not run')
      const scene = await enter(row)
      try {
        await row.check(scene)
      } finally {
        // Outside a namespace only its own end takes the engine with it.
        if (scene.aim.child.exitCode === null) signalQuietly(scene.pid, row.outside === undefined ? 'SIGKILL' : 'SIGTERM')
        await scene.aim.exited
      }
    })
})
