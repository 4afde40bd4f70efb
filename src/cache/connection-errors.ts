import { type ExitCode, exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import type { Asked, Trouble } from './errors.ts'
import { endpointVariable } from './protocol.ts'
import type { Hub } from './types.ts'

/** A used-up quota, as Linux numbers it; libuv has no name for it. */
const quotaErrno = -122

/** The `code` of a system, TLS or undici error. */
export const errorCode = (error: unknown): string | undefined => {
  const { code, errno } = error instanceof Error ? (error as NodeJS.ErrnoException) : {}
  if (errno === quotaErrno) return 'EDQUOT'
  return typeof code === 'string' ? code : undefined
}

const isTls = (code: string): boolean => /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO)/.test(code)

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known here',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no network',
  UND_ERR_CONNECT_TIMEOUT: 'it does not accept a connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'it accepted the request and then said nothing',
  UND_ERR_BODY_TIMEOUT: 'the bytes stopped coming',
  UND_ERR_SOCKET: 'the connection was closed',
}

type Meaning = { readonly because: string; readonly exitCode: ExitCode; readonly fix: string; readonly transient: boolean }

const meaningOf = (code: string, message: string, hub: Hub): Meaning => {
  if (isTls(code)) {
    const fix = 'name the authority of your proxy or mirror in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS (a PEM file), and check the clock'
    return { because: `its certificate is not trusted (${code})`, exitCode: exitCodes.config, fix, transient: false }
  }
  if (/\b407\b/.test(message)) {
    const fix = 'put user and password into HTTP_PROXY and HTTPS_PROXY'
    return { because: 'the proxy wants credentials', exitCode: exitCodes.permission, fix, transient: false }
  }
  if (code === 'UND_ERR_INVALID_ARG') {
    const fix = 'check HF_TOKEN for a line break or other stray characters'
    return { because: `the request cannot be made (${message})`, exitCode: exitCodes.config, fix, transient: false }
  }
  const because = `${words[code] ?? (message || 'no reason given')} (${code})`
  return {
    because,
    exitCode: exitCodes.temporary,
    fix: `check the network, HTTPS_PROXY and ${endpointVariable(hub)}, then try again`,
    transient: true,
  }
}

/** Reads an error that left us without a whole answer. Only distrust in a certificate and a proxy's refusal are final: all else may pass. */
export const explainConnection = (error: unknown, host: string, { hub, repo, path }: Asked): Trouble => {
  const message = error instanceof Error ? error.message : String(error)
  const { because, exitCode, fix, transient } = meaningOf(errorCode(error) ?? 'no code', message, hub)
  const what = path === undefined ? `'${repo}'` : `'${path}' of '${repo}'`
  return { failure: new Failure(`cannot fetch ${what} from ${host}: ${because}`, { exitCode, fix, cause: error }), transient }
}

const storage: Readonly<Record<string, readonly [because: string, fix: string]>> = {
  ENOSPC: ['the volume is full (no bytes or no inodes left)', 'free space on it or mount a larger volume'],
  EDQUOT: ['the quota is used up', 'free space or ask for a larger quota'],
  EROFS: ['the volume is mounted read-only', 'mount it writable, or fill it beforehand and pin the revision'],
  EACCES: ['this user may not write there', 'give the user that the container runs as (or its fsGroup) write access'],
  EPERM: ['the file system does not permit it', 'use a volume that has owners, renames and symbolic links'],
  ENOTSUP: ['the file system cannot do it', 'use a volume that has renames and symbolic links'],
  EIO: ['the volume reports an I/O error', 'check the disk or the storage server'],
  ESTALE: ['the storage server lost the file', 'check the storage server, then try again'],
}

/** Words an error of the file system (exit code 74); anything else, a Failure or a bug, is passed back as it is. `doing` continues "cannot". */
export const explainStorage = (error: unknown, doing: string): unknown => {
  if (error instanceof Failure || !(error instanceof Error) || !('syscall' in error)) return error
  const code = errorCode(error) ?? 'no code'
  const [because, fix] = storage[code] ?? [error.message, 'check the volume']
  return new Failure(`cannot ${doing}: ${because} (${code})`, { exitCode: exitCodes.storage, fix, cause: error })
}
