import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { processTable } from '../../src/supervisor/proc.ts'
import { descendantsOf, type ProcessEntry } from '../../src/supervisor/process-table.ts'
import { startHub, type TestHub } from '../hub/server.ts'
import { type Streamed, stream } from '../stage/chat.ts'
import { type Container, docker, startContainer } from '../stage/docker.ts'
import { partFiles } from '../stage/left.ts'
import { until } from '../stage/until.ts'
import { follows, type Watch, watchProbes } from './probes.ts'
import type { Row } from './row.ts'

/** Parts of an engine by the names of their processes; `server` is what we spawned. */
export type Part = 'server' | 'core' | 'worker'

const names: Readonly<Record<Part, RegExp>> = { server: /^(?:vllm|node|MainThread)/, core: /^VLLM::Engine/, worker: /^VLLM::Worker/ }

/** A running row: what its act may do. */
export type Scene = {
  readonly aim: Container
  readonly hub: TestHub | undefined
  /** The directory that is /stage in the container. */
  readonly directory: string
  readonly cache: string
  /** Every process of the container but PID 1, as the host sees it. */
  readonly tree: () => Promise<readonly ProcessEntry[]>
  readonly part: (part: Part) => Promise<number>
  /** A signal to a part of the engine, from the host. */
  readonly hit: (part: Part, signal: NodeJS.Signals) => Promise<void>
  /** A signal to PID 1, as `docker kill -s`. */
  readonly signal: (signal: string) => Promise<void>
  /** As `docker pause`. */
  readonly pause: () => Promise<void>
  readonly ready: () => Promise<void>
  /** Waits for the engine's so-manieth restart to be ready; nothing of the engine before it may be left, no zombie either. */
  readonly restarted: (count?: number) => Promise<void>
  readonly stream: (tokens: number, onFirst?: () => void) => Promise<Streamed>
  readonly seen: Watch['seen']
}

/** Where rows find their models and engines. */
export type FaultStage = { readonly directory: string; readonly repo: string }

const simulator = {
  AIM_ENGINE: 'simulator',
  AIM_GRACE_PERIOD: '120',
  AIM_SIMULATOR_SPEED: '40',
  AIM_RESTART_BACKOFF: '10ms',
  AIM_SERVED_MODEL_NAME: 'tiny',
}

/** A row with a stream that is cut has nobody who waits for it. */
const quiet = (streamed: Promise<Streamed>): Promise<Streamed> => {
  streamed.catch(() => undefined)
  return streamed
}

type Places = { readonly home: string; readonly shm: string; readonly log: string; readonly cache: string; readonly temporary: string }

/** Directories of the host that outlive the container, so that what it left can be seen. */
const makePlaces = async (stage: FaultStage): Promise<Places> => {
  const home = await mkdtemp(join(stage.directory, 'row-'))
  const shm = await mkdtemp('/dev/shm/aim-faults-')
  const places = { home, shm, log: join(home, 'termination-log'), cache: join(home, 'cache'), temporary: join(home, 'tmp') }
  await writeFile(places.log, '')
  for (const directory of [places.cache, places.temporary]) await mkdir(directory)
  for (const path of [home, shm, places.cache, places.temporary]) await chmod(path, 0o1777)
  await chmod(places.log, 0o666)
  return places
}

const modelOf = (row: Row, stage: FaultStage, hub: TestHub | undefined): Readonly<Record<string, string>> =>
  hub === undefined ? { AIM_MODEL_ID: `/stage/${row.model ?? 'tiny'}` } : { AIM_MODEL_ID: stage.repo, HF_ENDPOINT: hub.url }

const environmentOf = ({ environment }: Row, hub: TestHub | undefined): Readonly<Record<string, string>> => {
  if (typeof environment !== 'function') return environment ?? {}
  assert.ok(hub, 'this row asks for the address of a hub that it does not have')
  return environment(hub)
}

const mounts = ({ shm, log, cache, temporary }: Places, stage: FaultStage, words: readonly string[]): readonly string[] =>
  [
    ['/stage', `${stage.directory}:/stage:ro`],
    ['/dev/termination-log', `${log}:/dev/termination-log`],
    ['/dev/shm', `${shm}:/dev/shm`],
    ['/tmp', `${temporary}:/tmp`],
    ['/workspace/model-cache', `${cache}:/workspace/model-cache`],
  ].flatMap(([target = '', volume = '']) => (words.some((word) => word.split(':').includes(target)) ? [] : ['-v', volume]))

/** Plays one row in a container of its own and holds everything that was seen against it. */
export const play = async (row: Row, stage: FaultStage): Promise<void> => {
  const places = await makePlaces(stage)
  const hub =
    row.hub === undefined
      ? undefined
      : await startHub({ repos: { [stage.repo]: { directory: join(stage.directory, 'tiny'), ...row.hub.repository } }, ...row.hub })
  try {
    const words = row.words ?? []
    await using aim = await startContainer({
      environment: { ...simulator, ...modelOf(row, stage, hub), ...environmentOf(row, hub) },
      words: [...mounts(places, stage, words), ...words],
      unread: row.unread === true,
    })
    const watch = watchProbes(aim.ops)
    try {
      await row.act?.(sceneOf(aim, hub, places, watch))
      const exit = await ended(aim)
      await watch.stop()
      const message = readFileSync(places.log, 'utf8')
      const { stdout, stderr } = await execa('docker', ['logs', aim.id])
      judge(row, exit, message, { out: stdout, err: stderr }, watch.seen)
      if (row.killed === undefined) await nothingLeft(places)
    } catch (error) {
      throw new Error(
        `${(error as Error).message}\nanswers: ${watch.seen.answers.join(' ')}\nthe end of its log:\n${(await aim.logs()).slice(-3000)}`,
        {
          cause: error,
        },
      )
    } finally {
      await watch.stop()
    }
  } finally {
    await hub?.close()
    for (const path of [places.home, places.shm]) await rm(path, { recursive: true, force: true })
  }
}

const root = async (aim: Container): Promise<number> => Number(await docker('inspect', '-f', '{{.State.Pid}}', aim.id))

const ended = async (aim: Container): Promise<number> => {
  if (aim.reader !== undefined) {
    // dockerd itself waits for a reader before it says that a container has ended.
    const pid = await root(aim)
    await until('the end of PID 1', () => (existsSync(`/proc/${pid}`) ? undefined : true))
    aim.reader.kill('SIGKILL')
  }
  return Number((await execa('docker', ['wait', aim.id], { timeout: 120_000 })).stdout)
}

const sceneOf = (aim: Container, hub: TestHub | undefined, { home, cache }: Places, { seen }: Watch): Scene => {
  const tree = async (): Promise<readonly ProcessEntry[]> => descendantsOf(processTable(), await root(aim))
  const part = (wanted: Part): Promise<number> =>
    until(`a ${wanted}`, async () => {
      const top = await root(aim)
      return descendantsOf(processTable(), top).find(
        ({ name, parent }) => names[wanted].test(name) && (wanted !== 'server' || parent === top),
      )?.pid
    })
  const ready = async (): Promise<void> => {
    await aim.until('ready')
    // What happens next must not happen before the watch has seen it.
    await until('ready, as seen by the watch', () => (seen.answers.at(-1) === 'ready' ? true : undefined))
  }
  let before: readonly ProcessEntry[] = []
  return {
    aim,
    hub,
    directory: home,
    cache,
    tree,
    part,
    ready,
    seen,
    hit: async (wanted, signal) => {
      const pid = await part(wanted)
      before = await tree()
      process.kill(pid, signal)
    },
    // The freezer of cgroup v1 gives up on a tree that forks while the machine is busy.
    pause: async () => void (await until('a pause', () => docker('pause', aim.id))),
    signal: async (signal) => void (await docker('kill', '-s', signal, aim.id)),
    restarted: async (count = 1) => {
      await until(`restart ${count}`, async () => {
        const { restarts, ready: served } = await aim.status()
        return restarts === count && served ? true : undefined
      })
      await ready()
      const old = new Set(before.map(({ pid, startTime }) => `${pid} ${startTime}`))
      assert.deepEqual(
        (await tree()).filter(({ pid, startTime }) => old.has(`${pid} ${startTime}`)),
        [],
        'left of the engine before',
      )
      // A process that ends just now is a zombie until its parent has looked.
      await until('no zombie', async () => ((await tree()).some(({ state }) => state === 'Z') ? undefined : true))
    },
    stream: (tokens, onFirst) => quiet(stream(`http://127.0.0.1:${aim.port}`, 'tiny', tokens, onFirst)),
  }
}

type Output = { readonly out: string; readonly err: string }

const judge = (row: Row, exit: number, message: string, { out, err }: Output, seen: Watch['seen']): void => {
  assert.equal(exit, row.exit, 'exit code')
  assert.ok(follows(seen.answers, row.probes), `probes answered [${seen.answers.join(' ')}] instead of [${row.probes}]`)
  assert.deepEqual(seen.lies, [])
  assert.equal(seen.restarts, row.restarts ?? 0, 'restarts')
  if (row.cause !== undefined) assert.match(err, new RegExp(`\\bcause=${row.cause}\\b`))
  if (row.told !== undefined) assert.match([...seen.reasons, err, out].join('\n'), row.told)
  if (exit === 0 || row.killed) assert.equal(message, '', 'a termination message after an end that was asked for')
  else judgeLastWords(row, exit, message, err)
}

const judgeLastWords = (row: Row, exit: number, message: string, err: string): void => {
  assert.match(message, new RegExp(`^exit code ${exit} \\((?:of AIM Engine|the engine's|AIM Engine killed the engine)\\): `))
  assert.ok(Buffer.byteLength(message) <= 4096)
  assert.match(message, row.says ?? /./)
  assert.ok(err.trimEnd().endsWith(message.trimEnd()), 'the last words on stderr are others')
}

/** Files that may stay: the home of a uid without one, and the link to the baked compile cache. */
const kept = /^(?:aim-home-\d+|aim-compile-cache-\d+)$/

const nothingLeft = async ({ shm, cache, temporary }: Places): Promise<void> => {
  const left = {
    shm: await readdir(shm),
    temporary: (await readdir(temporary)).filter((name) => !kept.test(name)),
    cache: partFiles(cache),
  }
  assert.deepEqual(left, { shm: [], temporary: [], cache: [] })
}
