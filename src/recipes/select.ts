import { exitCodes } from '../std/exit-codes.ts'
import { describeGpus, type Failing, failingsOf } from './hard-tests.ts'
import { fitOn } from './memory.ts'
import { selectPinned } from './pinned.ts'
import { matches } from './place.ts'
import type { Profile, Rejection, Selection } from './profile.ts'
import { allowsCpu, type Question } from './question.ts'
import { rankingFor } from './rank.ts'
import { sentencesFor } from './reasons.ts'
import type { Refusal } from './refusal.ts'
import { replicate } from './replicate.ts'
import { synthesize } from './synthesize.ts'

/** A profile and what stands against it. */
type Judged = { readonly profile: Profile; readonly failings: readonly Failing[] }

/**
 * Chooses the profile for a question, or refuses. Every profile of the model, and every general one, meets every hard test; those that
 * pass are ranked; when none does and general profiles are allowed, one is made. The catalog's order is the order of its directories:
 * earlier ones win. Every profile that was not taken is in `rejected` with all that stood against it.
 */
export const select = (question: Question, catalog: readonly Profile[]): Selection | Refusal => {
  const own = catalog.filter(({ model }) => model === undefined || model === question.model)
  if (question.profileId !== undefined) return selectPinned(question, question.profileId, own)
  const judged = own.map((profile) => judge(profile, question))
  return bestOf(question, judged) ?? firstGeneral(question, judged)
}

const judge = (profile: Profile, question: Question): Judged => ({ profile, failings: failingsOf(profile, question) })

const rejectionOf = ({ profile, failings }: Judged): Rejection => ({ id: profile.id, reasons: failings.map(({ sentence }) => sentence) })

const bestOf = (question: Question, judged: readonly Judged[]): Selection | undefined => {
  const profiles = judged.map(({ profile }) => profile)
  const ranking = rankingFor(question, profiles)
  const [best, ...others] = judged.filter(({ failings }) => failings.length === 0).toSorted((a, b) => ranking.compare(a.profile, b.profile))
  if (best === undefined) return undefined
  const outranked = others.map(({ profile }) => ({
    id: profile.id,
    reasons: [`fits, but ${best.profile.id} goes first: ${ranking.difference(best.profile, profile) ?? 'it comes first in the catalog'}`],
  }))
  const failed = judged.filter(({ failings }) => failings.length > 0).map(rejectionOf)
  return { ...chosen(best.profile, question), rejected: [...outranked, ...failed] }
}

/** Whether there is room in the worst case too; unknown room is none, and a CPU has no such question. */
const isAmple = (profile: Profile, question: Question): boolean =>
  profile.gpuCount === 0 ||
  question.gpus.some((gpu) => {
    const fit = matches(gpu, profile.gpu) ? fitOn(profile, question, gpu) : undefined
    return fit !== undefined && (fit.verdict === 'fits' || (fit.requestBytes === undefined && fit.kvBytesLeast > 0))
  })

/** A profile as it will run, on copies where that is wanted, and why. */
const chosen = (profile: Profile, question: Question): Omit<Selection, 'rejected'> => {
  const running = replicate(profile, question)
  const copies = running.gpuCount / profile.gpuCount
  const replicas = copies > 1 ? [`${copies} copies of it share the requests (data parallel), because throughput was asked for`] : []
  return { profile: running, reasons: [...sentencesFor(profile, question), ...replicas] }
}

const firstGeneral = (question: Question, tuned: readonly Judged[]): Selection | Refusal => {
  const own = tuned.map(({ profile }) => profile)
  const candidates = question.allowGeneral ? synthesize(question, own).map((profile) => judge(profile, question)) : []
  const passing = candidates.filter(({ failings }) => failings.length === 0)
  const made = passing.find(({ profile }) => isAmple(profile, question)) ?? passing[0]
  const judged = [...tuned, ...candidates]
  if (made === undefined) return refuse(question, judged)
  const why = tuned.length === 0 ? `no recipe knows ${question.model}` : `none of its ${tuned.length} tuned profiles can be used here`
  const { profile, reasons } = chosen(made.profile, question)
  return {
    profile,
    reasons: [`${why}: a general profile was made`, ...reasons],
    rejected: judged.filter(({ failings }) => failings.length > 0).map(rejectionOf),
  }
}

/**
 * How far away a failed test puts a profile, beyond the one that each counts: what no setting changes is furthest, and a number of GPUs that
 * is not here tells less than what is in the way on those that are.
 */
const further: Readonly<Partial<Record<string, number>>> = { kind: 0.5, instructionSet: 0.5, available: 0.25 }

const distanceOf = ({ failings }: Judged): number => failings.reduce((sum, { test }) => sum + 1 + (further[test] ?? 0), 0)

/** The nearest miss is the one with the least against it; of equals the one with the most GPUs, of these the last. */
const nearestMiss = (judged: readonly Judged[]): Judged | undefined =>
  judged.toSorted(
    (a, b) => distanceOf(a) - distanceOf(b) || b.profile.gpuCount - a.profile.gpuCount || judged.indexOf(b) - judged.indexOf(a),
  )[0]

const refuse = (question: Question, judged: readonly Judged[]): Refusal => {
  const nearest = nearestMiss(judged)
  const here = `here: ${describeGpus(question.gpus)}`
  const because = nearest === undefined ? whyNothing(question) : `${nearest.profile.id} ${sentences(nearest)}`
  return {
    kind: 'refusal',
    exitCode: exitCodes.unavailable,
    message: `cannot serve ${question.model} on this machine (${here}): ${because}`,
    fix: nearest?.failings[0]?.fix ?? wayOut(question),
    rejected: judged.map(rejectionOf),
  }
}

const sentences = ({ failings }: Judged): string => failings.map(({ sentence }) => sentence).join('; ')

const whyNothing = ({ model, gpus, allowGeneral }: Question): string => {
  if (!allowGeneral) return `no recipe knows ${model}, and general profiles are switched off`
  if (gpus.length === 0) return 'no GPU can be used'
  return 'the kind of its GPUs is not known'
}

const wayOut = (question: Question): string => {
  if (!question.allowGeneral) return 'set AIM_ALLOW_GENERAL_PROFILE_FALLBACK=true, or add a recipe for the model'
  if (question.gpus.length === 0)
    return allowsCpu(question) ? 'report this' : 'give the container a GPU, or set AIM_GPU_COUNT=0 to run on the CPU'
  return question.count === 'auto' ? 'set AIM_GPU_MODEL, or AIM_GPU_COUNT=0 to run on the CPU' : 'set AIM_GPU_COUNT=auto'
}
