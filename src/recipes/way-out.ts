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

/**
 * What would run instead where a question was refused, as commands with the profile that they lead to: first what can be had here by
 * asking for less, then the smallest machine of the same kind and the smallest of AMD's that would do. Empty when nothing would.
 */
export const nearestRunnable = (question: Question, catalog: readonly Profile[]): readonly string[] => {
  if (question.engine !== 'vllm') return []
  const here = relaxations(question).flatMap((change) => tried(question, change, catalog))
  const elsewhere = kindsToTry(question.gpus).flatMap((kind) => smallest(question, kind, catalog))
  return [...here, ...elsewhere].slice(0, most)
}

const tried = ({ model }: Question, { words, asked }: Change, catalog: readonly Profile[]): readonly string[] => {
  const answer = select(asked, catalog)
  return isRefusal(answer) ? [] : [`aim plan ${quoteWord(model)} ${words}  (${answer.profile.id})`]
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

/** The command for the fewest GPUs of a kind that are enough; none where what is there is of that kind and as many. */
const smallest = (question: Question, kind: AvailableGpu, catalog: readonly Profile[]): readonly string[] => {
  const { profileId: _, ...rest } = question
  const here = question.gpus.filter(({ product }) => product === kind.product).length
  for (const count of counts.filter((size) => size > here)) {
    const asked: Question = { ...rest, count, gpus: Array.from({ length: count }, () => kind) }
    const [command] = tried(question, { words: `--gpu-model ${kind.product} --gpu-count ${count}`, asked }, catalog)
    if (command !== undefined) return [command]
  }
  return []
}
