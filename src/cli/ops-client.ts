/** Edge: asks the running supervisor of this container. */

import type { Options } from '../config/variables.ts'
import { ask, type Reply } from '../serve/engine-client.ts'
import { readOpsPort } from '../serve/ops-port.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { isRecord, parseJson } from '../std/json.ts'

/** Milliseconds until a silent supervisor counts as gone. */
const timeoutMs = 3000

/** What the supervisor said: the status code and the JSON object, which has a state and since when. */
export type Answer = { readonly status: number; readonly answer: Readonly<Record<string, unknown>> }

/** One GET on the operator's listener; fails with 75 when nobody answers, or somebody who is no supervisor. */
export const askOps = async ({ opsHost, opsPort }: Options, path: string): Promise<Answer> => {
  const host = opsHost === '' || opsHost === '0.0.0.0' || opsHost === '::' ? '127.0.0.1' : opsHost
  // 0 takes any free port, and the one that it became is kept.
  const port = opsPort === 0 ? readOpsPort() : opsPort
  if (port === undefined) throw unanswered('no supervisor has kept the port that AIM_OPS_PORT=0 became')
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`
  const { status, body } = await reach(url)
  const answer = parseJson(body)
  if (!isRecord(answer) || typeof answer.state !== 'string' || typeof answer.since !== 'string')
    throw unanswered(`what answers at ${url} is no supervisor of ours`)
  return { status, answer }
}

const reach = async (url: string): Promise<Reply> => {
  try {
    return await ask({ url, signal: new AbortController().signal, timeoutMs })
  } catch (cause) {
    throw unanswered(`nobody answers at ${url}`, cause)
  }
}

const unanswered = (why: string, cause?: unknown): Failure =>
  new Failure(`cannot ask the supervisor: ${why}`, {
    exitCode: exitCodes.temporary,
    fix: 'run this where `aim serve` runs (docker exec C aim status), with the same AIM_OPS_PORT',
    cause,
  })
