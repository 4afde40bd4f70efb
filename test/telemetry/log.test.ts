import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { toLines } from '../../src/std/lines.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createMetrics, type Figures } from '../../src/telemetry/metrics.ts'
import { createSink, type Sink } from '../../src/telemetry/sink.ts'

const collector = (): Sink & { readonly text: () => string } => {
  let text = ''
  return {
    write: (more) => (text += typeof more === 'string' ? more : Buffer.from(more).toString()),
    dropped: () => 0,
    flush: async () => true,
    text: () => text,
  }
}
const wall = () => Date.UTC(2026, 0, 1, 12, 0, 0)

describe('createLog()', () => {
  test('keeps what came before it was opened, in order and with its own time', async () => {
    const [out, err] = [collector(), collector()]
    const log = createLog({ level: 'info', format: 'text', out, err, wall })
    log.write('info', 'first', { port: 1 })
    log.write('debug', 'hidden')
    log.engineLines(toLines('engine says\n'), 'stdout')
    assert.equal(err.text(), '')
    await log.open()
    log.write('warning', 'then', { why: 'two words' })
    assert.equal(err.text(), 'aim 12:00:00 info    first port=1\naim 12:00:00 warning then why="two words"\n')
    assert.equal(out.text(), 'engine says\n')
  })

  test('as JSON, every line is one document, the lines of the engine too', async () => {
    const [out, err] = [collector(), collector()]
    const log = createLog({ level: 'info', format: 'json', out, err, wall })
    await log.open()
    log.write('error', 'broke', { cause: 'x' })
    log.engineLines(toLines('plain "text"\nand more\n'), 'stderr')
    const [ours, engine, more] = err
      .text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(ours, { level: 'error', time: '2026-01-01T12:00:00.000Z', cause: 'x', msg: 'broke' })
    assert.deepEqual(engine, { level: 'info', time: '2026-01-01T12:00:00.000Z', source: 'engine', stream: 'stderr', msg: 'plain "text"' })
    assert.deepEqual(more, { ...engine, msg: 'and more' })
  })
})

describe('createSink()', () => {
  test('writes everything in order', async () => {
    const path = join(tmpdir(), `aim-sink-${process.pid}`)
    const descriptor = openSync(path, 'w')
    const sink = createSink(descriptor)
    for (let i = 0; i < 1000; i++) sink.write(`${i}\n`)
    await sink.flush(5000)
    closeSync(descriptor)
    assert.equal(readFileSync(path, 'utf8'), Array.from({ length: 1000 }, (_, i) => `${i}\n`).join(''))
    rmSync(path)
  })

  test('texts of any length and alphabet come out as they went in, however many wait', async () => {
    const path = join(tmpdir(), `aim-sink-lengths-${process.pid}`)
    const descriptor = openSync(path, 'w')
    const sink = createSink(descriptor)
    const texts = [1, 65_535, 65_536, 65_537, 3, 200_000, 30_000, 30_000, 30_000].map(
      (length, i) => `${'aé€'.charAt(i % 3).repeat(length)}\n`,
    )
    for (const text of [...texts, ...texts]) sink.write(text)
    assert.equal(await sink.flush(5000), true)
    closeSync(descriptor)
    assert.ok(readFileSync(path, 'utf8') === [...texts, ...texts].join(''))
    assert.equal(sink.dropped(), 0)
    rmSync(path)
  })

  test('a reader that is gone costs nothing but the lines, which are counted', async () => {
    const sink = createSink(9999)
    sink.write('a\n')
    await sink.flush(5000)
    sink.write('b\nc\n')
    assert.equal(sink.dropped(), 3)
  })

  for (const lines of [3, 1000])
    test(`${lines} lines that wait while the reader turns out to be gone are counted one by one`, async () => {
      const sink = createSink(9999)
      for (let i = 0; i < lines; i++) sink.write(`${i}\n`)
      await sink.flush(5000)
      assert.equal(sink.dropped(), lines)
    })

  // The kernel refuses a word here (EINVAL) and takes a number, as a disk that was full for a moment takes the next line.
  for (const refused of [1, 2])
    test(`a write that failed ${refused} times is no reason to lose the next line`, async () => {
      const path = '/proc/self/oom_score_adj'
      const value = readFileSync(path, 'utf8')
      const descriptor = openSync(path, 'w')
      const sink = createSink(descriptor)
      for (let i = 1; i <= refused; i++) {
        sink.write('words\n')
        await sink.flush(5000)
        assert.equal(sink.dropped(), i)
      }
      sink.write(value)
      await sink.flush(5000)
      assert.equal(sink.dropped(), refused)
      closeSync(descriptor)
    })

  const lost: readonly [claim: string, texts: readonly string[], lines: number][] = [
    ['lines that are written together', Array.from({ length: 1000 }, (_, i) => `${i}\n`), 1000],
    ['a text of several', ['Traceback\n  File "x"\nValueError\n'], 3],
    ['one without an end', ['a'], 1],
  ]
  for (const [claim, texts, lines] of lost)
    test(`on a disk that is full every line is counted that is lost: ${claim}`, async () => {
      const writer = openSync('/dev/full', 'w')
      const sink = createSink(writer)
      for (const text of texts) sink.write(text)
      await sink.flush(5000)
      assert.equal(sink.dropped(), lines)
      closeSync(writer)
    })
})

test('createMetrics() reads its figures at scrape time', async () => {
  let restarts = 1
  const figures = (): Figures => ({
    version: '1',
    state: 'ready',
    states: ['idle', 'ready'],
    ready: true,
    engineUp: true,
    restarts,
    ends: { 'engine-exited': 2 },
    causes: { 'gpu-fault': 1 },
    phases: { pull: 1.5 },
    gpus: 8,
    pulledBytes: 1,
    pullBytes: 2,
    reaped: 3,
    stalls: {},
    selfHelp: { context: 1 },
    heldBytes: { '0000:11:00.0': 5 },
    droppedLines: 4,
  })
  const scrape = createMetrics(figures, async () => [])
  await scrape()
  restarts = 2
  const { text, contentType } = await scrape()
  assert.match(contentType, /^text\/plain/)
  for (const line of [
    'aim_restarts_total 2',
    'aim_state{state="idle"} 0',
    'aim_state{state="ready"} 1',
    'aim_engine_ends_total{reason="engine-exited"} 2',
    'aim_engine_failures_total{cause="gpu-fault"} 1',
    'aim_self_help_total{kind="context"} 1',
    'aim_memory_held_bytes{gpu="0000:11:00.0"} 5',
    'aim_startup_phase_seconds{phase="pull"} 1.5',
    'aim_gpus 8',
  ]) {
    assert.ok(text.includes(`${line}\n`), line)
  }
  assert.match(text, /^aim_startup_seconds NaN$/im)
})

test('a pipe that nobody reads does not keep the process from ending', async () => {
  // It happened: a write that hangs in the thread pool was joined at exit, and PID 1 stayed until it was killed.
  const sink = join(import.meta.dirname, '../../src/telemetry/sink.ts')
  const script = `const { createSink } = await import(${JSON.stringify(sink)}); const sink = createSink(1)
    for (let i = 0; i < 64; i++) sink.write('x'.repeat(65536)); await sink.flush(100); process.exit(7)`
  // A shell's pipe and not one of Node, which would be a socket.
  const shell = '{ "$0" --input-type=module -e "$1"; echo "ended with $?" >&2; } | sleep 1000'
  const child = spawn('/bin/sh', ['-c', shell, process.execPath, script], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const [said] = await once(child.stderr.setEncoding('utf8'), 'data')
  process.kill(-(child.pid ?? 0), 'SIGKILL')
  assert.equal(said, 'ended with 7\n')
})
