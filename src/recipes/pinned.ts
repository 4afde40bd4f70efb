import { exitCodes } from '../std/exit-codes.ts'
import { distance } from '../std/nearest.ts'
import { failingsOf } from './hard-tests.ts'
import { canonicalId, readGeneralId } from './id.ts'
import type { Profile, Selection } from './profile.ts'
import type { Question } from './question.ts'
import { sentencesFor } from './reasons.ts'
import type { Refusal } from './refusal.ts'
import { synthesize } from './synthesize.ts'

/** How many ids are named to somebody who mistyped one. */
const suggestions = 5

/**
 * The profile that was asked for by id, if it can run here: pinning overrides the metric and "by hand only", never the hardware, an
 * explicit count or precision. A general profile can be pinned although no file holds it, by the id that it was shown under.
 */
export const selectPinned = (question: Question, written: string, own: readonly Profile[]): Selection | Refusal => {
  const id = canonicalId(written)
  const general = generalCandidates(question, id, own)
  const profile = [...own, ...general].find((candidate) => isCalled(candidate, id))
  if (profile === undefined) return unknownId(question, written, [...own, ...general])
  const failings = failingsOf(profile, question)
  const [first] = failings
  if (first === undefined) {
    return { profile, reasons: ['asked for by its id', ...sentencesFor(profile, question)], rejected: othersThan(profile, own) }
  }
  const reasons = failings.map(({ sentence }) => sentence)
  return {
    kind: 'refusal',
    exitCode: exitCodes.unavailable,
    message: `cannot use profile ${profile.id}: it ${reasons.join('; it ')}`,
    fix: `${first.fix}, or unset AIM_PROFILE_ID to let one be chosen`,
    rejected: [{ id: profile.id, reasons }],
  }
}

/** A tree that is mounted as a whole has model and general profiles of its own: AMD would call them custom. */
const isCalled = (profile: Profile, id: string): boolean =>
  canonicalId(profile.id) === id ||
  (profile.amd !== undefined &&
    canonicalId(['custom', ...(profile.model === undefined ? [] : [profile.model]), profile.id].join('/')) === id)

/** The profile of the catalog that an id names for a model; undefined when no file holds one. */
export const pinnedProfile = (written: string, model: string, catalog: readonly Profile[]): Profile | undefined =>
  catalog.find((profile) => (profile.model ?? model) === model && isCalled(profile, canonicalId(written)))

const othersThan = (profile: Profile, own: readonly Profile[]) =>
  own.filter((other) => other !== profile).map(({ id }) => ({ id, reasons: [`${profile.id} was asked for`] }))

const generalCandidates = (question: Question, id: string, own: readonly Profile[]): readonly Profile[] => {
  const parts = readGeneralId(id)
  if (parts === undefined) return synthesize(question, own)
  const { gpuCount: count, metric, precision } = parts
  return synthesize({ ...question, count, metric, precision: question.precision ?? precision }, own)
}

const unknownId = ({ model }: Question, written: string, known: readonly Profile[]): Refusal => {
  const ids = [...new Set(known.map(({ id }) => id))].toSorted((a, b) => distance(a, written) - distance(b, written))
  const named = ids.slice(0, suggestions).join(', ')
  return {
    kind: 'refusal',
    exitCode: exitCodes.config,
    message: `cannot use profile ${written}: ${model} has none of that id`,
    fix: named === '' ? 'unset AIM_PROFILE_ID' : `unset AIM_PROFILE_ID, or set it to one of those nearest: ${named}`,
    rejected: [],
  }
}
