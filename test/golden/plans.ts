/** What each of AMD's 13 models gets on the machines that people ask about: the decision and its numbers, as a table. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cardOf } from '../../src/hardware/cards.ts'
import { describe } from '../../src/model/describe.ts'
import type { ModelFacts } from '../../src/model/facts.ts'
import { loadCatalog } from '../../src/recipes/catalog.ts'
import { repositoryOf } from '../../src/recipes/hard-tests.ts'
import { fitOn } from '../../src/recipes/memory.ts'
import type { Profile } from '../../src/recipes/profile.ts'
import type { Question } from '../../src/recipes/question.ts'
import { isRefusal, type Refusal } from '../../src/recipes/refusal.ts'
import { select } from '../../src/recipes/select.ts'
import { nearestRunnable } from '../../src/recipes/way-out.ts'
import { formatBytes } from '../../src/std/bytes.ts'

const root = join(import.meta.dirname, '../..')

/** config.json of the repositories, cut to the fields that are read; those of the -FP8-KV checkpoints are the originals' in fp8. */
const configs = JSON.parse(readFileSync(join(import.meta.dirname, 'configs.json'), 'utf8')) as Readonly<Record<string, unknown>>

/** The 13 models of AMD's images 0.9. */
export const models = [
  ...['CohereLabs/command-a-reasoning-08-2025', 'Qwen/Qwen3-235B-A22B', 'Qwen/Qwen3-32B'],
  ...['3.1-405B', '3.1-8B', '3.2-1B', '3.2-3B', '3.3-70B'].map((name) => `meta-llama/Llama-${name}-Instruct`),
  ...['Mistral-Small-3.2-24B-Instruct-2506', 'Mixtral-8x22B-Instruct-v0.1', 'Mixtral-8x7B-Instruct-v0.1'].map(
    (name) => `mistralai/${name}`,
  ),
  ...['openai/gpt-oss-120b', 'openai/gpt-oss-20b'],
]

const eight = [1, 2, 3, 4, 5, 6, 7, 8]

/** Machines, as a product and how many. */
export const machines: readonly (readonly [product: string, amount: number])[] = [
  ...['MI300X', 'MI325X', 'MI355X'].flatMap((product) => eight.map((amount) => [product, amount] as const)),
  ['R9700', 4],
  ['RX7900XTX', 2],
]

/** What is known of a repository's weights; undefined for one that nobody described here. */
export const factsOf = (repository: string): ModelFacts | undefined =>
  configs[repository] === undefined ? undefined : known.getOrInsertComputed(repository, () => describe(configs[repository], []))

const known = new Map<string, ModelFacts>()

/** A question as `aim plan` asks it. */
export const asks = (model: string, product: string, amount: number, given: Partial<Question> = {}): Question => ({
  model,
  engine: 'vllm',
  gpus: Array.from({ length: amount }, () => cardOf(product) ?? {}),
  count: 'auto',
  metric: 'latency',
  allowGeneral: true,
  ...given,
})

/** The line of a plan: choose, learn about the weights of that choice, choose again. */
export const decide = (question: Question, catalog: readonly Profile[]) => {
  const first = select(question, catalog)
  if (isRefusal(first)) return { answer: first, question }
  const repository = repositoryOf(first.profile, question.model)
  const facts = factsOf(repository)
  if (facts === undefined) throw new Error(`nothing is known of ${repository}: add its config.json to test/golden/configs.json`)
  const informed = { ...question, facts, repository }
  return { answer: select(informed, catalog), question: informed }
}

const tokens = (amount: number | undefined): string => (amount === undefined ? 'unknown' : `${Math.round(amount / 1000)}k`)

const numbersOf = (profile: Profile, question: Question): string => {
  const fit = fitOn(profile, question, question.gpus[0] ?? {})
  if (fit === undefined) return 'not estimated'
  const { verdict, weightsBytesPerGpu, kvBytesLeast, kvBytes, cacheTokens, largestContext } = fit
  const room = `${formatBytes(weightsBytesPerGpu)} of weights, ${formatBytes(Math.max(0, kvBytesLeast))} to ${formatBytes(Math.max(0, kvBytes))} left`
  return `${verdict.padEnd(6)} ${room}, cache of ${tokens(cacheTokens)} tokens, largest request ${tokens(largestContext)}`
}

const refusalLine = ({ message }: Refusal, question: Question, catalog: readonly Profile[]): string => {
  const [, because = message] = /\): (.*)$/.exec(message) ?? []
  return [`refused: ${because}`, ...nearestRunnable(question, catalog).map((command) => `           would run: ${command}`)].join('\n')
}

const line = (model: string, product: string, amount: number, catalog: readonly Profile[]): string => {
  const { answer, question } = decide(asks(model, product, amount), catalog)
  const head = `  ${`${amount}x ${product}`.padEnd(12)} `
  if (isRefusal(answer)) return head + refusalLine(answer, question, catalog)
  return `${head}${answer.profile.id.replace(/-latency$/, '').padEnd(34)} ${numbersOf(answer.profile, question)}`
}

/** The whole table as text. */
export const planTable = async (): Promise<string> => {
  const { profiles } = await loadCatalog([join(root, 'recipes')])
  const blocks = models.map((model) => [model, ...machines.map(([product, amount]) => line(model, product, amount, profiles))].join('\n'))
  return `${['Latency, as many GPUs as there are. Sizes are of one GPU. Made by `npm run golden`.', ...blocks].join('\n\n')}\n`
}
