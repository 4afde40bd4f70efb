import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linesOf } from '../../src/std/lines.ts'
import { codeOf, ended, line, never, shell, spawned, start, state } from './supervised.ts'

describe('createSupervisor()', () => {
  test('starts again after a crash and ends with the code of the engine when the budget is spent', async () => {
    const { happenings, until } = start(shell('exit 7'))
    assert.equal(codeOf(await until(ended)), 7)
    assert.equal(spawned(happenings).length, 2)
  })

  for (const [claim, script, code] of [
    ['an exit 0 that nobody asked for becomes 1', 'exit 0', 1],
    ['255 comes through', 'exit 255', 255],
    ['a death by SIGSEGV is 139', 'kill -SEGV $$', 139],
  ] as const) {
    test(claim, async () => assert.equal(codeOf(await start(shell(script), { policy: never }).until(ended)), code))
  }

  for (const [how, end] of [
    ['by its own exit', 'exit 3'],
    ['by a signal', 'kill -KILL $$'],
  ] as const)
    test(`is not ready from the moment on that the engine is gone ${how}, though a child of it holds its output open`, async () => {
      const { happenings, until } = start(shell(`sleep 60 & echo up; sleep 0.2; ${end}`), { policy: never })
      await until(ended)
      const order = happenings.flatMap((happening) =>
        happening.kind === 'exited' ? ['exited'] : happening.kind === 'state' ? [happening.state.kind] : [],
      )
      assert.deepEqual(order.slice(order.indexOf('ready'), order.indexOf('reclaiming')), ['ready', 'unready', 'exited'])
    })

  test('127 for what is not there, 126 for what cannot be run, and no second try', async () => {
    const missing = start(shell('', { file: '/no/such/engine' }))
    assert.equal(codeOf(await missing.until(ended)), 127)
    const forbidden = start(shell('', { file: '/etc/passwd', arguments: [] }))
    assert.equal(codeOf(await forbidden.until(ended)), 126)
    assert.deepEqual(
      [missing, forbidden].map(({ happenings }) => happenings.filter(({ kind }) => kind === 'spawn-failed').length),
      [1, 1],
    )
  })

  test('the engine leads a session and a process group of its own, with default signal dispositions and no signal blocked', async () => {
    process.on('SIGUSR2', () => undefined)
    // exec: a shell that waits for a child blocks signals meanwhile, and it is the engine's own mask that counts.
    const { happenings, until } = start(shell('echo session $(ps -o sid= -p $$) $$; exec cat /proc/self/status'), { policy: never })
    await until(ended)
    const lines = happenings.flatMap((happening) => (happening.kind === 'lines' ? linesOf(happening.lines.bytes.toString()) : []))
    const [, sid, pid] = /session\s+(\d+)\s+(\d+)/.exec(lines[0] ?? '') ?? []
    assert.equal(sid, pid)
    assert.deepEqual(
      lines.filter((text) => /^Sig(Blk|Ign)/.test(text)).map((text) => text.split('\t')[1]),
      ['0000000000000000', '0000000000000000'],
    )
  })

  test('drains, then ends with 0 when asked to stop', async () => {
    const { supervisor, happenings, until } = start(shell('trap "exit 0" TERM; echo up; while :; do sleep 0.05; done'))
    await until(line('up'))
    await until(state('ready'))
    supervisor.post({ kind: 'shutdown' })
    assert.equal(codeOf(await until(ended)), 0)
    const states = happenings.flatMap((happening) => (happening.kind === 'state' ? [happening.state.kind] : []))
    assert.deepEqual(states, ['pulling', 'waiting', 'starting', 'warming', 'ready', 'draining', 'stopping', 'reclaiming', 'terminated'])
  })

  test('kills an engine that ignores SIGTERM', async () => {
    const { supervisor, happenings, until } = start(shell('trap "" TERM; echo up; while :; do sleep 0.05; done'), {
      policy: { stopMs: 50 },
    })
    await until(line('up'))
    await until(state('ready'))
    supervisor.post({ kind: 'shutdown' })
    assert.equal(codeOf(await until(ended)), 0)
    assert.ok(
      happenings.some(
        (happening) => happening.kind === 'exited' && happening.exit.kind === 'signal' && happening.exit.signal === 'SIGKILL',
      ),
    )
  })

  test('a pull that fails ends it with its own code and spawns nothing', async () => {
    const { happenings, until } = start(shell('exit 0'), { work: { pull: () => Promise.reject(new Error('disk full')) } })
    assert.equal(codeOf(await until(ended)), 74)
    assert.deepEqual(spawned(happenings), [])
  })

  test('a start that stands still is ended', async () => {
    const pending = { listening: () => new Promise<void>(() => undefined) }
    const { happenings, until } = start(shell('sleep 1000'), { policy: { ...never, startupStallMs: 50 }, work: pending })
    assert.equal(codeOf(await until(ended)), 137)
    assert.ok(
      happenings.some(
        (happening) => happening.kind === 'state' && happening.state.kind === 'stopping' && happening.state.reason === 'startup-stalled',
      ),
    )
  })

  test('a line without an end and one of a progress bar are lines too, and the last words are read', async () => {
    const { happenings, until } = start(shell('printf "1%%\\r2%%\\rlast words"; exit 1'), { policy: never })
    await until(ended)
    assert.deepEqual(
      happenings.flatMap((happening) => (happening.kind === 'lines' ? linesOf(happening.lines.bytes.toString()) : [])),
      ['1%', '2%', 'last words'],
    )
  })
})
