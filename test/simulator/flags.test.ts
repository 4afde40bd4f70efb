import assert from 'node:assert/strict'
import { it } from 'node:test'
import { flagAliases, flagKinds } from '../../src/simulator/flags.ts'

it('every alias stands for a flag that is listed', () => {
  assert.deepEqual(
    Object.values(flagAliases).filter((name) => !flagKinds.has(name)),
    [],
  )
})

it('no name is listed twice, and none as its own negation', () => {
  assert.ok(flagKinds.size > 300)
  assert.deepEqual(
    [...flagKinds].filter(([name, kind]) => kind !== 'boolean' && flagKinds.get(name.replace(/^no-/, '')) === 'boolean'),
    [],
  )
})
