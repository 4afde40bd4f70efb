import { failingsOf } from './hard-tests.ts'
import { gpusAskedBy } from './parallel.ts'
import { largestMatch } from './place.ts'
import type { Profile } from './profile.ts'
import type { Question } from './question.ts'

/**
 * A chosen profile on as many GPUs as are free: copies of it side by side (vLLM's data parallelism), where throughput is what counts, nobody
 * said how many GPUs, and the copies pass the hard tests too. Profiles in AMD's format stay as they are, because their users count on it, and
 * so do those that divide the work themselves. The profile itself where nothing is to be gained.
 */
export const replicate = (profile: Profile, question: Question): Profile => {
  const { gpuCount, amd, metric } = profile
  if (question.metric !== 'throughput' || metric !== 'throughput' || question.count !== 'auto' || question.profileId !== undefined)
    return profile
  if (gpuCount === 0 || amd !== undefined || gpusAskedBy({ ...profile.arguments, ...question.overrides }) !== undefined) return profile
  const most = Math.floor(largestMatch(question.gpus, profile.gpu).length / gpuCount)
  const sizes = Array.from({ length: Math.max(0, most - 1) }, (_, at) => most - at)
  return sizes.map((copies) => copied(profile, copies)).find((candidate) => failingsOf(candidate, question).length === 0) ?? profile
}

const copied = (profile: Profile, copies: number): Profile => ({
  ...profile,
  gpuCount: profile.gpuCount * copies,
  arguments: { ...profile.arguments, 'tensor-parallel-size': profile.gpuCount, 'data-parallel-size': copies },
})
