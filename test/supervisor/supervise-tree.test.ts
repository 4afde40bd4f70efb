import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { processTable } from '../../src/supervisor/proc.ts'
import { until as eventually } from '../stage/until.ts'
import { block, mapper } from './mapper.ts'
import { codeOf, ended, line, never, shell, start, state } from './supervised.ts'

const pending = (): Promise<void> => new Promise(() => undefined)

describe('createSupervisor() and the tree of an engine', () => {
  test('leaves nothing of the tree: neither a worker in a session of its own nor one forked twice', {
    skip: process.platform !== 'linux' && 'needs /proc',
  }, async () => {
    const marker = `aim-stray-${process.pid}`
    const { until } = start(
      shell(`setsid sh -c 'sleep 1000 # ${marker}' & (sh -c 'setsid sh -c "sleep 1000 # ${marker}" &') ; sleep 0.1; exit 3`),
      { policy: never },
    )
    assert.equal(codeOf(await until(ended)), 3)
    assert.deepEqual(
      processTable().filter((entry) => entry.parent === process.pid && entry.name === 'sleep'),
      [],
    )
  })

  test('the spawn after a crash comes only when the old tree is gone: never two engines', async () => {
    const { happenings, until } = start(shell('setsid sleep 1000 & exit 1'))
    await until(ended)
    const order = happenings.flatMap((happening) =>
      happening.kind === 'spawned' ? ['spawned'] : happening.kind === 'state' && happening.state.kind === 'backoff' ? ['reclaimed'] : [],
    )
    assert.deepEqual(order, ['spawned', 'reclaimed', 'spawned'])
  })

  test('a child that was there before us, as PID 1 may have one, is not swept with the engine', async () => {
    const older = Number(execFileSync('/bin/sh', ['-c', 'sleep 1000 >/dev/null 2>&1 & echo $!']))
    assert.equal(processTable().find(({ pid }) => pid === older)?.parent, process.pid)
    assert.equal(codeOf(await start(shell('exit 3'), { policy: never, spared: new Set([older]) }).until(ended)), 3)
    assert.equal(processTable().find(({ pid }) => pid === older)?.state, 'S')
    process.kill(older, 'SIGKILL')
    await eventually('it is reaped', () => !processTable().some(({ pid }) => pid === older) || undefined)
  })

  describe('a crash leaves nothing in /dev/shm', () => {
    const rows: readonly [when: string, answers: boolean][] = [
      ['while it loads', false],
      ['while its first answer is waited for', true],
    ]
    for (const [when, answers] of rows)
      test(when, async () => {
        const path = block()
        const up = Promise.withResolvers<void>()
        const { supervisor, until } = start(mapper(path), { policy: never, work: { listening: () => up.promise, warm: pending } })
        await until(line('mapped'))
        if (answers) {
          up.resolve()
          await until(state('warming'))
        } else supervisor.post({ kind: 'progressed' })
        process.kill(supervisor.pid() ?? 0, 'SIGKILL')
        assert.equal(codeOf(await until(ended)), 137)
        assert.ok(!existsSync(path))
      })
  })
})
