import { cardOf } from '../hardware/cards.ts'
import { quoteWord } from '../std/words.ts'
import type { Profile } from './profile.ts'
import type { AvailableGpu, Question } from './question.ts'
import { isRefusal } from './refusal.ts'
import { select } from './select.ts'

/** A question that asks for less, and the words that ask it. */
type Change = { readonly words: string; readonly asked: Question }

/** Commands that are shown; more would be a list to choose from and no advice. */
const most = 3

/** Machines that are looked at beside more of what is there, by product, the smallest first. */
const products = ['MI300X', 'MI355X']
const counts = [1, 2, 4, 8]

/** A machine that would do, and the profile it would run. */
export type Machine = { readonly product: string; readonly amount: number; readonly profile: string }

/**
 * What would run instead where a question was refused, as commands with the profile that they lead to: first what can be had here by
 * asking for less, then the smallest machine of the same kind and the smallest of AMD's that would do. Empty when nothing would.
 */
export const nearestRunnable = (question: Question, catalog: readonly Profile[]): readonly string[] => {
  if (question.engine !== 'vllm') return []
  const command = (words: string, profile: string) => `aim plan ${quoteWord(question.model)} ${words}  (${profile})`
  const here = relaxations(question).flatMap(({ words, asked }) => chosenId(asked, catalog).map((id) => command(words, id)))
  const elsewhere = nearestMachines(question, catalog).map(({ product, amount, profile }) =>
    command(`--gpu-model ${product} --gpu-count ${amount}`, profile),
  )
  return [...here, ...elsewhere].slice(0, most)
}

/** The smallest machines that would do: more of what is here, then AMD's large ones; each kind once. */
export const nearestMachines = (question: Question, catalog: readonly Profile[]): readonly Machine[] =>
  kindsToTry(question.gpus).flatMap((kind) => smallest(question, kind, catalog))

const chosenId = (asked: Question, catalog: readonly Profile[]): readonly string[] => {
  const answer = select(asked, catalog)
  return isRefusal(answer) ? [] : [answer.profile.id]
}

const relaxations = (question: Question): readonly Change[] => {
  const { precision, metric, profileId, facts: _, repository: __, ...rest } = question
  const bare: Question = { ...rest, ...(metric === undefined ? {} : { metric }) }
  const exact = precision === undefined ? {} : { precision }
  return [
    ...(profileId === undefined ? [] : [{ words: "--profile ''", asked: { ...bare, ...exact } }]),
    ...(precision === undefined ? [] : [{ words: '--precision auto', asked: bare }]),
    ...(question.count === 'auto' || question.count === 0
      ? []
      : [{ words: '--gpu-count auto', asked: { ...bare, ...exact, count: 'auto' } as const }]),
    ...(metric === 'throughput' ? [{ words: '--metric latency', asked: { ...bare, ...exact, metric: 'latency' } as const }] : []),
  ]
}

const kindsToTry = (gpus: readonly AvailableGpu[]): readonly AvailableGpu[] => {
  const [first] = gpus
  const own = first?.product === undefined ? undefined : (cardOf(first.product) ?? first)
  const others = products.filter((name) => name !== own?.product).flatMap((name) => cardOf(name) ?? [])
  return own === undefined ? others : [own, ...others]
}

/** The fewest GPUs of a kind that are enough; none where as many are here already. */
const smallest = (question: Question, kind: AvailableGpu, catalog: readonly Profile[]): readonly Machine[] => {
  const { profileId: _, ...rest } = question
  const { product = '' } = kind
  const here = question.gpus.filter((gpu) => gpu.product === product).length
  for (const amount of counts.filter((size) => size > here)) {
    const gpus = Array.from({ length: amount }, () => kind)
    const [profile] = chosenId({ ...rest, count: amount, gpus }, catalog)
    if (profile !== undefined) return [{ product, amount, profile }]
  }
  return []
}
