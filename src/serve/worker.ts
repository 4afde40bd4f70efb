/**
 * Edge: the hub's work in a process of its own. Hashing and TLS never delay a probe there, and its memory is gone when the engine runs.
 */
import { spawn } from 'node:child_process'
import type { Hub } from '../cache/types.ts'
import { type ExitCode, exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { linesOf } from '../std/lines.ts'
import { splitLines } from '../supervisor/lines.ts'
import { selfCommand } from './self.ts'
import type { WorkerMessage, WorkerRequest } from './worker-protocol.ts'

/** The hidden subcommand that runs the other side of this. */
export const workerCommand = 'worker'

/** After an abort the worker removes its part files and goes; then it is killed. Milliseconds. */
const abortGraceMs = 5000

/** Runs one request; resolves with its result, rejects with its Failure. On abort it is told to clean up, and the promise rejects when it is gone. */
export const runWorker = <K extends WorkerMessage['kind']>(
  request: WorkerRequest,
  wanted: K,
  signal: AbortSignal,
  onMessage: (message: WorkerMessage) => void,
): Promise<WorkerMessage & { readonly kind: K }> =>
  new Promise((resolve, reject) => {
    // A session of its own: a Ctrl-C on the terminal is for us to handle, and we tell the worker.
    const [file, ...words] = selfCommand(workerCommand)
    const child = spawn(file, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: workerEnvironment(request.hub.kind, process.env),
    })
    let last: WorkerMessage | undefined
    let errors = ''
    const hear = (line: string): void => {
      try {
        last = JSON.parse(line) as WorkerMessage
        onMessage(last)
      } catch (error) {
        errors += String(error)
      }
    }
    const lines = splitLines(({ bytes }) => linesOf(bytes.toString()).forEach(hear), Number.POSITIVE_INFINITY)
    child.stdout.on('data', lines.push)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4096)
    })
    const abort = (): void => {
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), abortGraceMs).unref()
    }
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    // A worker that died early leaves a closed pipe; its exit says more than our write error.
    child.stdin.on('error', () => undefined)
    child.stdin.write(`${JSON.stringify(request)}\n`)
    child.once('error', (error) => reject(died(error.message)))
    child.once('close', (code, name) => {
      signal.removeEventListener('abort', abort)
      if (last?.kind === wanted) resolve(last as WorkerMessage & { readonly kind: K })
      else if (last?.kind === 'failed') reject(failureOf(last))
      else if (signal.aborted) reject(signal.reason)
      else reject(died(`${name ?? `code ${code}`}${errors === '' ? '' : `: ${errors.trim()}`}`))
    })
  })

/** What it takes to reach a hub: proxies, certificates, a place for temporary files; for S3 all that AWS's libraries read. No other secret of the container is its business. */
const needed =
  /^(?:PATH|HOME|TMPDIR|LANG|TZ|(?:https?|no|all)_proxy|NODE_(?:EXTRA_CA_CERTS|USE_ENV_PROXY|USE_SYSTEM_CA|TLS_REJECT_UNAUTHORIZED)|SSL_CERT_(?:FILE|DIR))$/i

/** What of this environment the worker gets for a hub of this kind. */
export const workerEnvironment = (kind: Hub['kind'], environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  // Where certificates are named as OpenSSL's and Python's programs read them, Node has to be told to look there.
  ...((environment.SSL_CERT_FILE || environment.SSL_CERT_DIR) && { NODE_USE_SYSTEM_CA: '1' }),
  ...(kind === 's3' && environment.AWS_CA_BUNDLE && { NODE_EXTRA_CA_CERTS: environment.AWS_CA_BUNDLE }),
  ...Object.fromEntries(Object.entries(environment).filter(([name]) => needed.test(name) || (kind === 's3' && name.startsWith('AWS_')))),
})

const failureOf = ({ message, fix, exitCode }: WorkerMessage & { readonly kind: 'failed' }): Failure =>
  new Failure(message, { exitCode: exitCode as ExitCode, ...(fix === undefined ? {} : { fix }) })

const died = (how: string): Failure =>
  new Failure(`cannot reach the hub: the process that does so ended with ${how}`, {
    exitCode: exitCodes.software,
    fix: 'report this, with the lines above',
  })
