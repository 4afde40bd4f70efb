import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mayPass, routesOf, withoutRoot } from '../../src/simulator/routes.ts'

const calls: readonly (readonly [string, string, string | undefined, boolean])[] = [
  ['GET', '/health', undefined, true],
  ['GET', '/metrics', undefined, true],
  ['POST', '/tokenize', undefined, true],
  ['POST', '/invocations', undefined, true],
  ['GET', '/v1/models', undefined, false],
  ['GET', '/v1/models', 'Bearer b', true],
  ['GET', '/v1/models', 'bearer a', true],
  ['GET', '/v1/models', 'Bearer c', false],
  ['GET', '/v1/models', 'a', false],
  ['OPTIONS', '/v1/models', undefined, true],
  ['POST', '/inference/v1/generate', undefined, false],
]

describe('the routes', () => {
  for (const [method, path, authorization, passes] of calls)
    it(`${method} ${path} with ${authorization ?? 'no key'} ${passes ? 'passes' : 'is refused'} when keys are set`, () =>
      assert.equal(mayPass(['a', 'b'], method, path, authorization), passes))
  it('everything passes when no key is set', () => assert.ok(mayPass([], 'GET', '/v1/models', undefined)))
  it('depend on what the model can do', () => {
    const paths = (task: 'generate' | 'embed') => routesOf(task).map((route) => route.path)
    assert.ok(paths('generate').includes('/v1/completions') && !paths('generate').includes('/v1/embeddings'))
    assert.ok(paths('embed').includes('/v1/embeddings') && !paths('embed').includes('/v1/completions'))
  })
  it('are found with and without the root path', () => {
    assert.deepEqual(
      ['/a/health', '/health', '/ab/health'].map((path) => withoutRoot(path, '/a')),
      ['/health', '/health', '/ab/health'],
    )
  })
})
