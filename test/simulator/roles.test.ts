import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leadingWords } from '../../src/simulator/roles.ts'

describe('leadingWords()', () => {
  it('are none from source', () => assert.deepEqual(leadingWords(['serve', 'm', 'worker']), []))
  it('are the hidden words below aim', () => assert.deepEqual(leadingWords(['simulator', 'engine-core']), ['simulator']))
})
