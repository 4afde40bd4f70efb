import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LeaseTimes } from '../../src/cache/claim.ts'
import type { Settings } from './programs/puller.ts'

const program = join(import.meta.dirname, 'programs/puller.ts')

/** Times of a test: a holder that is not known to be dead is passed by after two seconds. */
export const shortTimes: LeaseTimes = { beatMs: 100, staleMs: 2000, stuckMs: 60_000, pollMs: 100 }

/** One process that pulls. `wrap` are words before it, such as unshare's. */
export const startPuller = (endpoint: string, cacheDir: string, settings: Settings = {}, wrap: readonly string[] = []) => {
  const [file = '', ...words] = [...wrap, process.execPath, program, endpoint, cacheDir, JSON.stringify({ times: shortTimes, ...settings })]
  const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  /** Bytes that it last said are there. */
  const bytesDone = (): number => Number([...output.matchAll(/^(\d+) of \d+$/gm)].at(-1)?.[1] ?? 0)
  /** Signals the process that pulls, which is the child of a wrapper when there is one. */
  const signal = (name: NodeJS.Signals): void => {
    const { pid = 0 } = child
    const inner = wrap.length === 0 ? pid : Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim() || pid)
    process.kill(inner, name)
  }
  return { child, signal, ended, bytesDone, output: () => output, errors: () => errors }
}

/** What in a cache is not as it must be at any moment: a published blob whose bytes are not those of its name, a ref that is half written. */
export const brokenIn = (cacheDir: string): readonly string[] => {
  const repo = join(cacheDir, 'models--org--m')
  const namesIn = (name: string): readonly string[] => {
    try {
      return readdirSync(join(repo, name))
    } catch {
      return []
    }
  }
  const wrong = namesIn('blobs').filter(
    (name) => /^[0-9a-f]{40}$|^[0-9a-f]{64}$/.test(name) && digestOf(join(repo, 'blobs', name), name.length) !== name,
  )
  const refs = namesIn('refs').filter((name) => name === 'main' && !/^[0-9a-f]{40}$/.test(readFileSync(join(repo, 'refs', name), 'utf8')))
  return [...wrong, ...refs]
}

const digestOf = (path: string, length: number): string => {
  const bytes = readFileSync(path)
  return length === 64
    ? createHash('sha256').update(bytes).digest('hex')
    : createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

/** Everything in a cache that only a pull under way has: parts, drafts, journals, claims. */
export const leftIn = (cacheDir: string): readonly string[] =>
  readdirSync(cacheDir, { recursive: true, encoding: 'utf8' })
    .filter((name) => /aim-part|\.tmp|\.aim\/(?:claims|parts)\/./.test(name))
    .sort()
