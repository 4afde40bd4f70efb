import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { observe, type Patience } from '../observer/observe.ts'
import { type ScenarioName, scenarios } from '../observer/scenarios.ts'
import { shapes } from '../observer/shapes.ts'
import { shapeOf, type Timeline } from '../observer/timeline.ts'
import { directory, environment, freePort, modelFiles, simulator } from './fixture.ts'

// A tenth of the real engine's times, so a tenth of the patience; tokens at 200 a second.
const pace = { AIM_SIMULATOR_SPEED: '10', AIM_SIMULATOR_TOKEN_MS: '5' }
const patience: Patience = { poll: 25, start: 60_000, end: 30_000, settle: 200, quiet: 600, left: 1000 }

const watch = async (scenario: ScenarioName, env: Readonly<Record<string, string>> = {}): Promise<Timeline> => {
  await using model = await directory(modelFiles())
  const port = await freePort()
  const command = [...simulator, 'serve', model.path, '--served-model-name', 'tiny', '--port', String(port), '--enforce-eager']
  return await observe({ command, env: { ...environment, ...pace, ...env }, port, scenario, patience, streamTokens: 300 })
}

const seen = (timeline: Timeline): string => timeline.events.map((event) => JSON.stringify(event)).join('\n')

describe('the simulator, seen from outside, is shaped like the real engine', { concurrency: true }, () => {
  for (const name of Object.keys(scenarios) as ScenarioName[]) {
    const [expected] = shapes[name]
    it(`in ${name}`, async () => {
      const timeline = await watch(name)
      assert.deepEqual(shapeOf(timeline), expected, seen(timeline))
    })
  }
  it('in term_stream when the race is lost', async () => {
    const timeline = await watch('term_stream', { AIM_SIMULATOR_TERM_RACE: 'hang' })
    assert.deepEqual(shapeOf(timeline), shapes.term_stream[1], seen(timeline))
  })
})
