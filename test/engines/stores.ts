import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../stage/ports.ts'
import { Hopeless, until } from '../stage/until.ts'
import { cacheDir, makeOnce, say } from './cache.ts'
import { ensurePeer } from './peers.ts'
import { run } from './run.ts'

const GATEWAY = '1.8.0'
const MOTO = '5.2.1'

/** A store that runs; `endpoint` is its address. */
export type Store = { readonly endpoint: string; readonly stop: () => Promise<void> }

/** The keys that the gateway checks every signature against. */
export const gatewayKeys = { accessKeyId: 'AKIAGATEWAY', secretAccessKey: 'gateway/secret+key' }

const start = async (program: string, words: readonly string[], endpoint: string, env: NodeJS.ProcessEnv): Promise<Store> => {
  const child: ChildProcess = spawn(program, words, { stdio: 'ignore', env })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await until(`${program} answers`, async () => {
    if (child.exitCode !== null) throw new Hopeless(`${program} ended with ${child.exitCode} before it answered`)
    return (await fetch(endpoint)).status
  })
  const stop = async (): Promise<void> => {
    child.kill()
    await ended
  }
  return { endpoint, stop }
}

/** Versity's S3 gateway over a directory, built once per machine from its Go module: a store of its own that checks every signature. */
export const startGateway = async (directory: string): Promise<Store> => {
  const home = join(cacheDir(), 'peers', `versitygw-${GATEWAY}`)
  await makeOnce(home, `versitygw ${GATEWAY}`, async () => {
    say(`building versitygw ${GATEWAY} into ${home}`)
    await run('go', ['install', `github.com/versity/versitygw/cmd/versitygw@v${GATEWAY}`], { env: { GOBIN: home } })
  })
  await mkdir(directory, { recursive: true })
  const [port = 0] = await freePorts(1)
  const env = { PATH: process.env.PATH, ROOT_ACCESS_KEY: gatewayKeys.accessKeyId, ROOT_SECRET_KEY: gatewayKeys.secretAccessKey }
  return start(join(home, 'versitygw'), ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', directory], `http://127.0.0.1:${port}`, env)
}

/** moto's server: S3 that checks no signature, and the STS that hands out roles. */
export const startMoto = async (): Promise<Store> => {
  const { venv } = await ensurePeer('moto[s3,server]', MOTO)
  const [port = 0] = await freePorts(1)
  return start(join(venv, 'bin/moto_server'), ['-H', '127.0.0.1', '-p', String(port)], `http://127.0.0.1:${port}`, {
    PATH: process.env.PATH,
  })
}
