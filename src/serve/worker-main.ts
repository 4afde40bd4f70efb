/** Edge: the other side of `worker.ts`, in the worker process. */
import { createInterface } from 'node:readline'
import type { Listing, PullProgress } from '../cache/types.ts'
import { describeError, exitCodeOfError, Failure } from '../std/failure.ts'
import { parsePythonJson } from '../std/python-json.ts'
import type { WorkerMessage, WorkerRequest } from './worker-protocol.ts'

/** Progress is told at most so often; milliseconds. */
const progressMs = 200

/** Reads one request from stdin, answers on stdout, and resolves with the exit code. TERM, INT and the parent's end abort it. */
export const workerMain = async (): Promise<number> => {
  const abort = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => abort.abort())
  try {
    await run(await readRequest(abort), abort.signal)
    return 0
  } catch (error) {
    const fix = error instanceof Failure ? error.fix : undefined
    const message = error instanceof Failure ? error.message : describeError(error)
    await say({ kind: 'failed', message, exitCode: exitCodeOfError(error), ...(fix === undefined ? {} : { fix }) })
    return exitCodeOfError(error)
  } finally {
    process.stdin.destroy()
  }
}

/** The request is the first line; the pipe stays open, so that its end tells of the parent's. */
const readRequest = (abort: AbortController): Promise<WorkerRequest> =>
  new Promise((resolve, reject) => {
    const lines = createInterface({ input: process.stdin })
    lines.once('line', (line) => resolve(JSON.parse(line) as WorkerRequest))
    lines.once('close', () => {
      abort.abort()
      reject(new Error('no request came'))
    })
  })

const run = async (request: WorkerRequest, signal: AbortSignal): Promise<void> => {
  if (request.kind === 'describe') return describeRepo(request, signal)
  const [{ pull }, { keepHeaders }] = await Promise.all([import('../cache/pull.ts'), import('../cache/keep-headers.ts')])
  const { kind: _, ...options } = request
  const snapshot = await pull({ ...options, signal, onProgress: throttle() })
  await keepHeaders(
    options.cacheDir,
    snapshot,
    options.listing.files.map(({ path }) => path),
  )
  await say({ kind: 'pulled', snapshot })
}

/** A plan can go without headers: they are not insisted on for long. */
const brief = { attempts: 2, budgetMs: 5000, idleMs: 10_000 }

const describeRepo = async (
  { hub, repo, revision, attempts, headless = false }: WorkerRequest & { kind: 'describe' },
  signal: AbortSignal,
): Promise<void> => {
  const [{ sourceOf }, { readFile }, { headersOnHub }, { standardTransfer }, { headerLimits }] = await Promise.all([
    import('../cache/source.ts'),
    import('../cache/read-file.ts'),
    import('../cache/hub-headers.ts'),
    import('../cache/retry.ts'),
    import('../model/header-limits.ts'),
  ])
  const transfer = { ...standardTransfer, ...(attempts === undefined ? {} : { attempts }) }
  const listing: Listing = await (await sourceOf(hub)).list(repo, revision, signal, transfer)
  const file = listing.files.some(({ path }) => path === 'config.json') ? await readFile(hub, listing, 'config.json', signal) : undefined
  const config = file === undefined ? undefined : parsePythonJson(file.toString())
  const ask = { hub, listing, signal, transfer: { ...transfer, ...brief } }
  const headers = config === undefined || headless ? {} : await headersOnHub(ask, headerLimits(config, 'hub'))
  await say({ kind: 'described', listing, config, headers })
}

const throttle = (): ((progress: PullProgress) => void) => {
  let told = 0
  return (progress) => {
    const now = Date.now()
    if (now - told < progressMs && progress.bytesDone < progress.bytes) return
    told = now
    void say({ kind: 'progress', progress })
  }
}

/** Resolves when the reader has it: a pipe takes only part of a long answer at once, and this process ends right after its last one. */
const say = (message: WorkerMessage): Promise<void> =>
  new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve())
  })
