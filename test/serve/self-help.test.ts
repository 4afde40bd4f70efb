import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ExitMeaning } from '../../src/engine/adapter.ts'
import { contextToTry, type Ending } from '../../src/serve/self-help.ts'
import type { Policy } from '../../src/supervisor/policy.ts'

const meaning: ExitMeaning = { cause: 'kv-cache-too-small', sentence: '', permanent: true, evidence: [], fittingContext: 12_345 }
const restart = { when: 'always', intensity: 5 }
const ending = (change: Partial<Ending> = {}, policy: Partial<typeof restart> = {}): Ending => ({
  ...{ meaning, failures: 0, floor: 4096, cut: false },
  policy: { restart: { ...restart, ...policy } } as unknown as Policy,
  ...change,
})

describe('contextToTry()', () => {
  const rows: readonly [claim: string, ending: Ending, tokens: number | undefined][] = [
    ['takes what fits, rounded down', ending(), 12_288],
    ['takes the floor itself', ending({ floor: 12_288 }), 12_288],
    ['goes below no floor', ending({ floor: 12_289 }), undefined],
    ['does nothing with a floor of 0, which forbids it', ending({ floor: 0 }), undefined],
    ['tries once only', ending({ cut: true }), undefined],
    [
      'needs an estimate of the engine',
      ending({ meaning: { ...meaning, fittingContext: undefined } as unknown as ExitMeaning }),
      undefined,
    ],
    ['does not restart where nothing is restarted', ending({}, { when: 'never' }), undefined],
    ['does not restart when the budget is spent', ending({ failures: 5 }), undefined],
  ]
  for (const [claim, given, tokens] of rows) test(claim, () => assert.equal(contextToTry(given), tokens))
})
