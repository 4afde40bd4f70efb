import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { embed, naturalLength, tokenIds, tokenText } from '../../src/simulator/text.ts'

const answer = (tokens: number): string => Array.from({ length: tokens }, (_, index) => tokenText(index)).join('')

describe('the text', () => {
  it('says that it is a simulator', () => assert.match(answer(naturalLength), /^This is AIM Engine's simulator, not a model\. .*\.$/))
  it('begins again after its end', () => assert.match(answer(2 * naturalLength), /one\. This is AIM/))
  it('tokenIds() gives a word the same id wherever it stands', () => {
    const [, second, third] = tokenIds('a b b')
    assert.equal(second, third)
    assert.equal(tokenIds('').length, 0)
  })
  it('embed() gives a vector of length 1 that depends on the text', () => {
    const vector = embed('a', 8)
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-9)
    assert.deepEqual([vector, vector.length], [embed('a', 8), 8])
    assert.notDeepEqual(vector, embed('b', 8))
  })
})
