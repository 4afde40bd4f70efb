import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { openLibc } from '../../src/std/libc.ts'
import { ownedPids } from '../../src/supervisor/owned.ts'
import { processTable } from '../../src/supervisor/proc.ts'
import { startReaper } from '../../src/supervisor/reaper.ts'
import { until } from '../stage/until.ts'

const orphans = 300

test('startReaper() reaps every orphan and steals no exit code of a child that Node waits for', async (t) => {
  const owned = ownedPids()
  const libc = openLibc()
  if (libc === undefined || !libc.becomeSubreaper()) return t.diagnostic('no node:ffi or no subreaper here: this check did not run')
  assert.equal(libc.ended(), undefined)
  const reaper = startReaper(libc, owned)
  // Each waits for the end of a pipe that all have, so that they end at once, after their parent.
  const parent = spawn('sh', ['-c', `i=0; while [ $i -lt ${orphans} ]; do cat <&3 & i=$((i+1)); done; exit 9`], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  const children = Array.from({ length: 60 }, (_, code) => spawn('sh', ['-c', `exit ${code}`]))
  const exits = Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number))
  const [code] = await once(parent, 'exit')
  const pipe = parent.stdio[3] as Socket
  pipe.end()
  const codes = await exits
  assert.deepEqual([code, ...codes], [9, ...codes.keys()])
  await until('every orphan reaped', () => (reaper.reaped() === orphans ? true : undefined))
  assert.deepEqual(
    processTable().filter(({ parent, state }) => parent === process.pid && state === 'Z'),
    [],
  )
})
