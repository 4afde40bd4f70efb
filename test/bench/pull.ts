/**
 * A pull beside what else fetches files: `npm run bench pull [GIB] [ROUNDS]`. GIB (4) in four files on tmpfs, served by nginx, into tmpfs, by
 * us, by aria2c with 16 connections a file and no checksum, by curl, and by huggingface_hub with eight workers; ROUNDS (3) times, turn by turn.
 * Then 1 GiB over a link of 2 Gbit/s with 20 ms, which a relay is, since not every kernel has netem. Then a cache of 200 files that is ready.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { formatTable } from '../../src/cli/table.ts'
import { ensureApt } from '../engines/apt.ts'
import { ensurePeer } from '../engines/peers.ts'
import { startHub } from '../hub/server.ts'
import { freePorts } from '../stage/ports.ts'
import type { PullFigures } from './pull-client.ts'
import { readyRows } from './pull-ready.ts'
import { startRelay } from './relay.ts'
import { median, ratio, spread } from './summary.ts'

const gibibytes = Number(process.argv[3] ?? 4)
const rounds = Number(process.argv[4] ?? 3)
const shards = 4
/** A link as of a node with 2 Gbit/s and a storage host in another region; a relay without a limit would be what is measured. */
const link = { roundTripMs: 20, bytesPerSecond: 250e6 }
/** What is fetched over it, at most: a link of that rate needs no more to show. */
const farBytes = 1024 ** 3

const directory = mkdtempSync('/dev/shm/aim-bench-pull-')
const file = (name: string): string => join(directory, name)

/** A model to fetch: a directory below `directory`, and the bytes of all its files. */
type Model = { readonly name: string; readonly bytes: number }
const near: Model = { name: 'near', bytes: gibibytes * 1024 ** 3 }
const far: Model = { name: 'far', bytes: Math.min(near.bytes, farBytes) }

const names = Array.from({ length: shards }, (_, index) => `model-${index}.safetensors`)

/** Shards that differ from their first byte on, of bytes that no layer could compress. */
const makeShards = ({ name: model, bytes }: Model): void => {
  const block = Buffer.concat(Array.from({ length: 16 * 1024 }, (_, index) => createHash('sha512').update(`${index}`).digest()))
  mkdirSync(join(file('served'), model), { recursive: true })
  for (const [index, name] of names.entries()) {
    const to = openSync(join(file('served'), model, name), 'w')
    writeSync(to, Buffer.from(`shard ${index}`.padEnd(16)))
    for (let at = 16; at < bytes / shards; at += block.length) writeSync(to, block, 0, Math.min(block.length, bytes / shards - at))
    closeSync(to)
  }
}

const startNginx = async (port: number) => {
  const configuration = `daemon off; user root; worker_processes 1; pid ${file('nginx.pid')}; error_log ${file('nginx.log')};
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
  client_body_temp_path ${file('t1')}; proxy_temp_path ${file('t2')}; fastcgi_temp_path ${file('t3')}; uwsgi_temp_path ${file('t4')}; scgi_temp_path ${file('t5')};
  server { listen 127.0.0.1:${port}; root ${file('served')}; } }`
  writeFileSync(file('nginx.conf'), configuration)
  const child = spawn('nginx', ['-c', file('nginx.conf')], { stdio: 'inherit' })
  return async (): Promise<void> => {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
}

/** Runs a program in a fresh directory and gives its milliseconds and output; the bytes must be there. */
const run = async (words: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const target = file('target')
  mkdirSync(target)
  try {
    const [program = '', ...rest] = words.map((word) => word.replace('TARGET', target))
    const begin = performance.now()
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...environment } })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}`)
    return { ms: performance.now() - begin, output }
  } finally {
    rmSync(target, { recursive: true, force: true })
  }
}

/** Bytes per second that one core hashes. */
const hashRate = (): number => {
  const [hash, block] = [createHash('sha256'), Buffer.alloc(1024 ** 2, 7)]
  const begin = performance.now()
  for (let count = 0; count < 1024; count++) hash.update(block)
  hash.digest()
  return 1024 ** 3 / ((performance.now() - begin) / 1000)
}

type Round = { readonly aim: number; readonly aria2c: number; readonly curl: number; readonly hub: number; readonly hash: number }

const measure = async ({ bytes }: Model, endpoint: string, storage: string, python: string) => {
  const urls = names.map((name) => `${storage}/${name}`)
  writeFileSync(file('urls'), urls.map((url) => `${url}\n`).join(''))
  const script = `import time; from huggingface_hub import snapshot_download; t = time.monotonic(); snapshot_download("org/m", cache_dir="TARGET", max_workers=8); print(time.monotonic() - t)`
  const figures: PullFigures[] = []
  const results: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const rate = (ms: number): number => bytes / (ms / 1000)
    // As in the bundle, where compiled code lies beside it.
    const compiled = { NODE_COMPILE_CACHE: file('compiled') }
    const aim = await run([process.execPath, join(import.meta.dirname, 'pull-client.ts'), endpoint, 'TARGET'], compiled)
    figures.push(JSON.parse(aim.output) as PullFigures)
    const aria2c = await run(['aria2c', '-q', '-x16', '-s16', '-j4', '-k1M', '--file-allocation=none', '-d', 'TARGET', '-i', file('urls')])
    const curl = await run(['curl', '-sS', '--no-progress-meter', '--parallel', '--output-dir', 'TARGET', '--remote-name-all', ...urls])
    const hub = await run([python, '-c', script], {
      HF_ENDPOINT: endpoint,
      HF_HUB_DISABLE_XET: '1',
      HF_HUB_DISABLE_PROGRESS_BARS: '1',
      HF_HOME: file('home'),
    })
    results.push({
      aim: rate(aim.ms),
      aria2c: rate(aria2c.ms),
      curl: rate(curl.ms),
      // Its own seconds: what Python takes to begin is not counted.
      hub: rate(Number(hub.output.trim()) * 1000),
      hash: hashRate(),
    })
  }
  return { figures, results }
}

const gigabytes = (values: readonly number[]): string =>
  spread(values.map((value) => value / 1e8)).replace(/\d+\.\d/g, (text) => (Number(text) / 10).toFixed(2))

const workers = Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2)))

const rowsOf = (what: string, { figures, results }: Awaited<ReturnType<typeof measure>>): readonly (readonly string[])[] => {
  const column = (key: keyof Round): readonly number[] => results.map((round) => round[key])
  const bound = results.map(({ aria2c, hash }) => Math.min(aria2c, hash * workers))
  return [
    [what, ''],
    ['  aim cache pull, checked, GB/s', gigabytes(column('aim'))],
    ['  aria2c -x16, not checked, GB/s', `${gigabytes(column('aria2c'))}, aim ${ratio(column('aim'), column('aria2c')).toFixed(2)}x`],
    ['  curl --parallel, not checked, GB/s', `${gigabytes(column('curl'))}, aim ${ratio(column('aim'), column('curl')).toFixed(2)}x`],
    ['  huggingface_hub 2.0, 8 workers, GB/s', `${gigabytes(column('hub'))}, aim ${ratio(column('aim'), column('hub')).toFixed(2)}x`],
    [`  ${workers} of one core hashing, GB/s`, gigabytes(column('hash'))],
    ['  aim over the lower of aria2c and hashing', `${ratio(column('aim'), bound).toFixed(2)}x`],
    [
      '  event loop of the puller, delay p99.9, most; ms',
      `${median(figures.map(({ delayMs }) => delayMs)).toFixed(1)}, ${median(figures.map(({ mostDelayMs }) => mostDelayMs)).toFixed(1)}`,
    ],
    ['  peak memory of the puller, MB', spread(figures.map(({ peakBytes }) => peakBytes / 1e6))],
  ]
}

let stopNginx: (() => Promise<void>) | undefined
try {
  await ensureApt('nginx-light', 'aria2', 'curl')
  const { python } = await ensurePeer('huggingface_hub', '2.0.0')
  for (const model of [near, far]) makeShards(model)
  const [port = 0] = await freePorts(1)
  stopNginx = await startNginx(port)
  const relay = await startRelay(port, link)
  const hubOf = ({ name }: Model, storage: string) =>
    startHub({ repos: { 'org/m': { directory: join(file('served'), name) } }, storage: `${storage}/${name}` })
  const [storage, farStorage] = [`http://localhost:${port}`, `http://localhost:${relay.port}`]
  const hubs = [await hubOf(near, storage), await hubOf(far, farStorage)] as const
  const rows = [
    ...rowsOf(`${gibibytes} GiB over loopback`, await measure(near, hubs[0].url, `${storage}/near`, python)),
    ...rowsOf(
      `${far.bytes / 1024 ** 3} GiB at ${(link.bytesPerSecond * 8) / 1e9} Gbit/s with ${link.roundTripMs} ms`,
      await measure(far, hubs[1].url, `${farStorage}/far`, python),
    ),
    ...(await readyRows(file('ready'))),
  ]
  process.stdout.write(`${formatTable([`${rounds} rounds: median (least..most)`, 'value'], rows)}\n`)
  await Promise.all([...hubs.map((hub) => hub.close()), relay.close()])
} finally {
  await stopNginx?.()
  rmSync(directory, { recursive: true, force: true })
}
