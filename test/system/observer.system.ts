import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { ensureRealEngine, type RealEngine } from '../engines/install.ts'
import { observe } from '../observer/observe.ts'
import { type ScenarioName, scenarios } from '../observer/scenarios.ts'
import { shapes } from '../observer/shapes.ts'
import { type Shape, shapeOf } from '../observer/timeline.ts'
import { bareEnvironment } from '../stage/aim.ts'
import { freePorts } from '../stage/ports.ts'

/** The rows that the simulator has to match in the unit tests, held against the engine that they were taken from. */
describe('the real vLLM, seen by the observer that runs on the simulator too', () => {
  let engine: RealEngine
  let scratch: string
  before(async () => {
    engine = await ensureRealEngine()
    scratch = await mkdtemp(join(tmpdir(), 'aim-observer-'))
  })
  after(() => rm(scratch, { recursive: true, force: true }))

  const shapeIn = async (scenario: ScenarioName): Promise<Shape> => {
    const [port = 0] = await freePorts(1)
    const words = [
      '--served-model-name',
      'tiny',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--max-model-len',
      '8192',
      '--hf-overrides',
      '{"max_position_embeddings": 8192}',
      '--enforce-eager',
    ]
    return shapeOf(
      await observe({
        command: [engine.vllm, 'serve', engine.model, ...words],
        env: {
          ...bareEnvironment(),
          HF_HUB_OFFLINE: '1',
          VLLM_NO_USAGE_STATS: '1',
          DO_NOT_TRACK: '1',
          VLLM_CPU_KVCACHE_SPACE: '1',
          TMPDIR: scratch,
        },
        port,
        scenario,
        // The core runs ahead of its API server: a stream that has to be cut must be longer than what it makes in a few seconds.
        streamTokens: scenario === 'term_stream_timeout' ? 900 : 8000,
      }),
    )
  }

  for (const scenario of Object.keys(scenarios) as ScenarioName[]) {
    test(`${scenario} has the shape that the simulator has`, async () => {
      let shape = await shapeIn(scenario)
      for (let again = 0; again < 2 && sawNothing(scenario, shape); again++) shape = await shapeIn(scenario)
      assert.ok(
        shapes[scenario].some((expected) => isDeepStrictEqual(expected, shape)),
        `${JSON.stringify(shape)} is none of ${JSON.stringify(shapes[scenario])}`,
      )
    })
  }
})

const cuts: readonly ScenarioName[] = ['kill_core_load', 'stop_core_load']

/** On a busy machine all tokens can be made before anything is done to the core, or it is gone before the first look: then nothing was observed. */
const sawNothing = (scenario: ScenarioName, { order, health }: Shape): boolean => {
  const whole = order.indexOf('stream whole')
  const signal = order.findIndex((event) => event.startsWith('SIG'))
  const cutTooLate = whole !== -1 && (whole < signal || (cuts.includes(scenario) && whole === signal + 1))
  return cutTooLate || (scenario.startsWith('kill_') && scenario !== 'kill_api' && isDeepStrictEqual(health, ['refused']))
}
