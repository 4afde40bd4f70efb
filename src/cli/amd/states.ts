/** AMD's words for why a profile is no choice: the first test that fails names the state. */
import { failingsOf, type TestName } from '../../recipes/hard-tests.ts'
import type { Profile } from '../../recipes/profile.ts'
import type { Question } from '../../recipes/question.ts'
import type { State } from './state-names.ts'

/** AMD's tests in their order, each with those of ours that ask the same or, like memory, speak of the same thing. */
const order: readonly (readonly [State, readonly TestName[]])[] = [
  ['engine_mismatch', ['engine']],
  ['metric_mismatch', ['metric']],
  ['model_mismatch', ['weights']],
  ['gpu_mismatch', ['onCpu', 'kind', 'available', 'asked', 'instructionSet', 'heads', 'context', 'gpuMemory', 'hostMemory']],
  ['precision_mismatch', ['precision']],
]

/** A profile's state. Whether it is chosen by hand only is no state in AMD's runtime, but a column of its own. */
export const stateOf = (profile: Profile, question: Question): State => {
  const failed = new Set(failingsOf(profile, question).map(({ test }) => test))
  const [first] = order.filter(
    ([state, tests]) => tests.some((test) => failed.has(test)) || (state === 'model_mismatch' && isForeign(profile, question)),
  )
  return first?.[0] ?? 'compatible'
}

const isForeign = ({ model }: Profile, question: Question): boolean => model !== undefined && model !== question.model
