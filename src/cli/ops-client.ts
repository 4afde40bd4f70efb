/** Edge: asks the running supervisor of this container. */

import type { Options } from '../config/variables.ts'
import { ask, type Reply } from '../serve/engine-client.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'

/** Milliseconds until a silent supervisor counts as gone. */
const timeoutMs = 3000

/** One GET on the operator's listener; fails with 75 when nobody answers. */
export const askOps = async ({ opsHost, opsPort }: Options, path: string): Promise<Reply> => {
  const host = opsHost === '' || opsHost === '0.0.0.0' || opsHost === '::' ? '127.0.0.1' : opsHost
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${opsPort}${path}`
  try {
    return await ask({ url, signal: new AbortController().signal, timeoutMs })
  } catch (cause) {
    throw new Failure(`cannot ask the supervisor: nobody answers at ${url}`, {
      exitCode: exitCodes.temporary,
      fix: 'run this where `aim serve` runs (docker exec C aim status), with the same AIM_OPS_PORT',
      cause,
    })
  }
}
