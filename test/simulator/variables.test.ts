import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Behaviour, parseBehaviour, simulatorVariables } from '../../src/simulator/variables.ts'
import { Failure } from '../../src/std/failure.ts'

const defaults: Behaviour = {
  speed: 20,
  tokenMs: 10,
  prefillMs: 20,
  termRace: 'cut',
  kvTokens: 1_048_576,
  faults: {},
  crashLog: undefined,
  exitCode: 1,
}

const refused: readonly (readonly [string, string])[] = [
  ['AIM_SIMULATOR_SPEED', '0'],
  ['AIM_SIMULATOR_SPEED', 'fast'],
  ['AIM_SIMULATOR_TOKEN_MS', '-1'],
  ['AIM_SIMULATOR_PREFILL_MS', '1s'],
  ['AIM_SIMULATOR_TERM_RACE', 'win'],
  ['AIM_SIMULATOR_KV_TOKENS', '1.5'],
  ['AIM_SIMULATOR_EXIT_CODE', '256'],
  ['AIM_SIMULATOR_FAULT', 'nope'],
  ['AIM_SIMULATOR_SPED', '1'],
]

describe('parseBehaviour()', () => {
  it('has a default for everything, and takes an empty variable for none', () => {
    assert.deepEqual(parseBehaviour({}), defaults)
    assert.deepEqual(parseBehaviour(Object.fromEntries(simulatorVariables.map(({ name }) => [name, '']))), defaults)
  })
  for (const [name, value] of refused)
    it(`refuses ${name}='${value}' with exit code 2`, () => {
      assert.throws(
        () => parseBehaviour({ [name]: value }),
        (error) => error instanceof Failure && error.exitCode === 2 && error.message.includes(name),
      )
    })
  it('names every variable that does not fit', () => {
    assert.throws(() => parseBehaviour({ AIM_SIMULATOR_SPEED: 'x', AIM_SIMULATOR_EXIT_CODE: 'y' }), /SPEED.*EXIT_CODE/)
  })
  it('leaves the variables of others alone', () => {
    assert.deepEqual(parseBehaviour({ AIM_PORT: 'x', PATH: '/' }), defaults)
  })
})
