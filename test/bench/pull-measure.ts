/** Edge: fetches the same files by us and by others, turn by turn, and says how they did. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { ensurePeer } from '../engines/peers.ts'
import { startHub } from '../hub/server.ts'
import type { PullFigures } from './pull-client.ts'
import { median, ratio, spread } from './summary.ts'

/** What is fetched: the `names` below `served`, a directory in `directory`, of `bytes` together, `rounds` times. */
export type Pulls = {
  readonly directory: string
  readonly names: readonly string[]
  readonly bytes: number
  readonly rounds: number
}

/** Starts a web server for the files, by words before its command in another network namespace; gives what ends it. */
export const startNginx = async ({ directory }: Pulls, port: number, enter: readonly string[] = []): Promise<() => Promise<void>> => {
  const file = (name: string): string => join(directory, name)
  const configuration = `daemon off; user root; worker_processes 1; pid ${file('nginx.pid')}; error_log ${file('nginx.log')};
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
  client_body_temp_path ${file('t1')}; proxy_temp_path ${file('t2')}; fastcgi_temp_path ${file('t3')}; uwsgi_temp_path ${file('t4')}; scgi_temp_path ${file('t5')};
  server { listen ${port}; root ${file('served')}; } }`
  writeFileSync(file('nginx.conf'), configuration)
  const [program = '', ...words] = [...enter, 'nginx', '-c', file('nginx.conf')]
  const child = spawn(program, words, { stdio: 'inherit' })
  return async (): Promise<void> => {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
}

/** Runs a program in a fresh directory and gives its milliseconds and output; the bytes must be there. */
const run = async (directory: string, words: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const target = join(directory, 'target')
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

const measure = async ({ directory, names, bytes, rounds }: Pulls, endpoint: string, storage: string) => {
  const { python } = await ensurePeer('huggingface_hub', '2.0.0')
  const file = (name: string): string => join(directory, name)
  const urls = names.map((name) => `${storage}/${name}`)
  writeFileSync(file('urls'), urls.map((url) => `${url}\n`).join(''))
  const script = `import time; from huggingface_hub import snapshot_download; t = time.monotonic(); snapshot_download("org/m", cache_dir="TARGET", max_workers=8); print(time.monotonic() - t)`
  const fetchByCurl = () =>
    run(directory, ['curl', '-sS', '--no-progress-meter', '--parallel', '--output-dir', 'TARGET', '--remote-name-all', ...urls])
  // Memory that a virtual machine touches for the first time is slow to come, and would be so for whoever is first.
  await fetchByCurl()
  const figures: PullFigures[] = []
  const results: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const rate = (ms: number): number => bytes / (ms / 1000)
    // As in the bundle, where compiled code lies beside it.
    const compiled = { NODE_COMPILE_CACHE: file('compiled') }
    const aim = await run(directory, [process.execPath, join(import.meta.dirname, 'pull-client.ts'), endpoint, 'TARGET'], compiled)
    const figure = JSON.parse(aim.output) as PullFigures
    figures.push(figure)
    const aria2c = await run(directory, [
      'aria2c',
      '-q',
      '-x16',
      '-s16',
      '-j4',
      '-k1M',
      '--file-allocation=none',
      '-d',
      'TARGET',
      '-i',
      file('urls'),
    ])
    const curl = await fetchByCurl()
    const hub = await run(directory, [python, '-c', script], {
      HF_ENDPOINT: endpoint,
      HF_HUB_DISABLE_XET: '1',
      HF_HUB_DISABLE_PROGRESS_BARS: '1',
      HF_HOME: file('home'),
    })
    results.push({
      // Their own seconds: what Node and Python take to begin is not a pull's.
      aim: rate(figure.ms),
      aria2c: rate(aria2c.ms),
      curl: rate(curl.ms),
      hub: rate(Number(hub.output.trim()) * 1000),
      hash: hashRate(),
    })
  }
  return { figures, results }
}

const gigabytes = (values: readonly number[]): string =>
  spread(values.map((value) => value / 1e8)).replace(/\d+\.\d/g, (text) => (Number(text) / 10).toFixed(2))

const workers = Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2)))

const rowsOf = ({ figures, results }: Awaited<ReturnType<typeof measure>>): readonly (readonly string[])[] => {
  const column = (key: keyof Round): readonly number[] => results.map((round) => round[key])
  const bound = results.map(({ aria2c, hash }) => Math.min(aria2c, hash * workers))
  return [
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

/** Measures against a hub of ours that sends to `storage`, where a web server has the files; gives rows of a table. */
export const measurePulls = async (pulls: Pulls, storage: string): Promise<readonly (readonly string[])[]> => {
  const hub = await startHub({ repos: { 'org/m': { directory: join(pulls.directory, 'served') } }, storage })
  try {
    return rowsOf(await measure(pulls, hub.url, storage))
  } finally {
    await hub.close()
  }
}
