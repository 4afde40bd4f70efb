import { after, before, describe, test } from 'node:test'
import { engineRows } from '../faults/engine-rows.ts'
import { machineRows } from '../faults/machine-rows.ts'
import type { Row } from '../faults/row.ts'
import { play } from '../faults/scene.ts'
import { setFaultStage } from '../faults/stage.ts'
import { stallRows } from '../faults/stall-rows.ts'
import { startRows } from '../faults/start-rows.ts'
import { stopRows } from '../faults/stop-rows.ts'
import { buildImage } from '../stage/docker.ts'

const groups: Readonly<Record<string, readonly Row[]>> = {
  engine: engineRows,
  stop: stopRows,
  start: startRows,
  stall: stallRows,
  machine: machineRows,
}

/** Containers at a time: enough that one's waits are another's work. */
const concurrency = 4

describe('faults, in containers where we are PID 1', { concurrency }, () => {
  let stage: Awaited<ReturnType<typeof setFaultStage>>
  before(async () => {
    await buildImage()
    stage = await setFaultStage()
  })
  after(() => stage[Symbol.asyncDispose]())

  for (const [name, rows] of Object.entries(groups))
    for (const row of rows) test(`${name}: ${row.fault}`, { timeout: 180_000 }, () => play(row, stage))
})
