/** Edge: the engine's compile caches: in this container while it runs, and one archive on the volume for the next. Nothing here ends a start. */
import { mkdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CompiledKey } from '../cache/compiled-names.ts'
import type { Environment } from '../config/parse.ts'
import { compiledDirectory } from '../config/rooms.ts'
import type { Options } from '../config/variables.ts'
import { vllm } from '../engine/vllm.ts'
import type { Launch } from '../plan/launch.ts'
import { formatBytes } from '../std/bytes.ts'
import { describeError } from '../std/failure.ts'
import type { Log } from '../telemetry/log.ts'
import { isOurs } from './account.ts'

/** Between two looks whether there is something new to keep: kernels for shapes that come later are compiled when they come. Milliseconds. */
const lookMs = 600_000

/** The caches of one container. */
export type CompileCache = {
  /** What the engine is told about them; nothing where the user has seen to them, where they are off, and where there is no place. */
  readonly variables: (launch: Launch) => Readonly<Record<string, string>>
  /** Before the engine is spawned: brings what an earlier start has compiled. Never rejects. */
  readonly seed: (launch: Launch) => Promise<void>
  /** Once the engine is ready: keeps what is new, now and later. */
  readonly keep: (launch: Launch) => void
}

const uid = (): number => process.geteuid?.() ?? 0

/** The same path in every container of a uid, since some of what is compiled names it; what others could write to is not taken, for it is code. */
const ownRoot = (): string | undefined => {
  const path = join(tmpdir(), `aim-compiled-${uid()}`)
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return isOurs(path) ? path : undefined
  } catch {
    return undefined
  }
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined

/** Makes it; touches nothing until asked. */
export const createCompileCache = (options: Options, environment: Environment, log: Log): CompileCache => {
  const directory = compiledDirectory(options)
  const { owners, kept, environment: variablesOf } = vllm.compileCaches
  let timer: NodeJS.Timeout | undefined
  const rootOf = ({ engine, compiled, model }: Launch): string | undefined => {
    const owned = owners.some((name) => environment[name] !== undefined || engine.env[name] !== undefined)
    if (owned || options.compileCacheSize === 0 || engine.name !== 'vllm') return undefined
    const root = ownRoot()
    return root && join(root, `${compiled}/${model.id}`.replace(/[^\w.+-]+/g, '_'))
  }
  const keyOf = async (launch: Launch): Promise<CompiledKey> => {
    const [{ keyOf: launchKey }, { processorKey }] = await Promise.all([import('./last-start.ts'), import('./processor.ts')])
    return { place: launch.compiled, model: launch.model.id, host: processorKey(), launch: launchKey(launch) }
  }
  return {
    variables: (launch) => {
      const root = rootOf(launch)
      return root === undefined ? {} : variablesOf(root)
    },
    seed: async (launch) => {
      const root = rootOf(launch)
      if (root === undefined || !exists(join(directory, launch.compiled)) || exists(root)) return
      const { seedCompiled } = await import('../cache/compiled.ts')
      const archive = await seedCompiled(directory, await keyOf(launch), root)
      if (archive !== undefined)
        log.write('info', `compile cache: ${formatBytes(archive.bytes)} of an earlier start`, { archive: archive.path })
    },
    keep: (launch) => {
      const root = rootOf(launch)
      if (root === undefined || timer !== undefined) return
      const keeper = Promise.all([import('../cache/compiled.ts'), keyOf(launch)]).then(([{ createKeeper }, key]) =>
        createKeeper(directory, key, root, kept, options.compileCacheSize),
      )
      const look = async (): Promise<void> => {
        const done = await (await keeper)()
        if (done === undefined) return
        if ('because' in done) log.write('info', `the compile cache is not kept: ${done.because}`)
        else log.write('info', `compile cache: ${formatBytes(done.bytes)} kept for the next start`, { archive: done.archive })
      }
      const tryLook = (): void =>
        void look().catch((error: unknown) => log.write('debug', `the compile cache is not kept: ${describeError(error)}`))
      timer = setInterval(tryLook, lookMs).unref()
      tryLook()
    },
  }
}
