import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { processTable, processTableInTurns, sampleTree } from '../../src/supervisor/proc.ts'

test('a table that is read in turns is the table, and whoever waits meanwhile has a turn', async () => {
  const children = Array.from({ length: 20 }, () => spawn('sleep', ['1000']))
  try {
    let turns = 0
    const beside = (): void => {
      turns++
      turn = setImmediate(beside)
    }
    let turn = setImmediate(beside)
    const table = await processTableInTurns()
    clearImmediate(turn)
    assert.ok(turns > 0)
    const pids = [process.pid, ...children.map(({ pid }) => pid)]
    const of = (entries: typeof table) =>
      entries.filter(({ pid }) => pids.includes(pid)).map(({ pid, parent, startTime }) => ({ pid, parent, startTime }))
    assert.equal(of(table).length, pids.length)
    assert.deepEqual(of(table), of(processTable()))
    assert.ok((await sampleTree(process.pid)).length >= pids.length)
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
})
