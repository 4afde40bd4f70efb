/** `aim recipes`: every model of the catalog, by how it stands to this machine. */
import { describeGpus, failingsOf } from '../../recipes/hard-tests.ts'
import type { Profile } from '../../recipes/profile.ts'
import type { Question } from '../../recipes/question.ts'
import { isRefusal } from '../../recipes/refusal.ts'
import { select } from '../../recipes/select.ts'
import { byStanding, type Standing } from '../../recipes/standing.ts'
import { synthesize } from '../../recipes/synthesize.ts'
import { nearestMachines } from '../../recipes/way-out.ts'
import { formatBytes } from '../../std/bytes.ts'
import { exitCodes } from '../../std/exit-codes.ts'
import { Failure } from '../../std/failure.ts'
import { type Format, look, print } from '../output.ts'
import { fitTable } from '../table.ts'
import { type RecipeFlags, recipeScene } from './scene.ts'

/** A model of the catalog: `profile` is what would run here, `because` what stands in the way. */
type Row = {
  readonly model: string
  readonly standing: Standing
  readonly profile?: string
  readonly gpus?: string
  readonly because?: string
  /** The smallest machines that would do. */
  readonly needs?: readonly string[]
  readonly precisions: readonly string[]
  readonly weightsBytes?: number
  readonly task: string
  readonly license?: string
  readonly gated: boolean
}

/** Prints the models, those that run here first. */
export const listRecipesCommand = async (flags: RecipeFlags & { readonly why?: string }, format: Format): Promise<number> => {
  if (flags.why !== undefined) {
    const fix = `name it too: aim recipes ORG/MODEL --why ${flags.why}`
    throw new Failure('cannot say why: profiles are those of a model', { exitCode: exitCodes.usage, fix })
  }
  const { catalog, ask, inventory } = await recipeScene(flags)
  const models = Map.groupBy(
    catalog.filter(({ model }) => model !== undefined),
    ({ model }) => model ?? '',
  )
  const rows = [...models].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([model, own]) => rowOf(model, own, ask(model)))
  await print(format, rows, () => `here: ${describeGpus(inventory.gpus)}\n\n${tableOf(rows, look().width)}`)
  return 0
}

const rowOf = (model: string, own: readonly Profile[], question: Question): Row => {
  const answer = select(question, own)
  const { license, gated = false, task = 'generate', weights = {} } = own.find(({ recipe }) => recipe !== undefined)?.recipe ?? {}
  const about = {
    precisions: [...new Set(own.map(({ precision }) => precision))],
    task,
    gated,
    ...(license === undefined ? {} : { license }),
  }
  if (isRefusal(answer)) return { model, ...outOfReach(question, own), because: answer.message.replace(/^.*?\): /, ''), ...about }
  const { id, gpu, gpuCount, precision } = answer.profile
  const weightsBytes = weights[precision] ?? weights.bf16 ?? weights.fp16
  return {
    ...{ model, standing: 'runs here', profile: id, gpus: gpuCount === 0 ? 'CPU' : `${gpuCount}x ${gpu}` },
    ...(weightsBytes === undefined ? {} : { weightsBytes }),
    ...about,
  }
}

/** More of the same GPUs, others because they have more memory, or others because nothing is for these. */
const outOfReach = (question: Question, own: readonly Profile[]): Pick<Row, 'standing' | 'needs'> => {
  const machines = nearestMachines(question, own)
  const needs = machines.map(({ product, amount }) => `${amount}x ${product}`)
  if (machines.some(({ product }) => question.gpus.some((gpu) => gpu.product === product))) return { standing: 'needs more GPUs', needs }
  const judged = [...own, ...(question.allowGeneral ? synthesize(question, own) : [])].map((profile) => failingsOf(profile, question))
  const tooSmall = judged.some((failings) => failings.every(({ test }) => test === 'gpuMemory'))
  return { standing: tooSmall ? 'needs more memory' : 'for other GPUs', needs }
}

const cellsOf = ({ model, profile, gpus, weightsBytes, needs = [], task, license = '', gated, precisions }: Row): readonly string[] => [
  `  ${model}`,
  profile ?? precisions.join(' '),
  gpus ?? '',
  weightsBytes === undefined ? '' : formatBytes(weightsBytes),
  task,
  `${license}${gated ? ', gated' : ''}`,
  needs.join(' or ') || 'nothing that we know of',
]

const tableOf = (rows: readonly Row[], width: number): string =>
  byStanding(rows)
    .map(([standing, same]) => {
      const runs = standing === 'runs here'
      const head = [
        standing.toUpperCase(),
        runs ? 'PROFILE' : 'PRECISIONS',
        runs ? 'GPUS' : '',
        runs ? 'WEIGHTS' : '',
        'TASK',
        'LICENSE',
        runs ? '' : 'WOULD RUN ON',
      ]
      return fitTable(
        withoutEmpty(head),
        same.map((row) => withoutEmpty(cellsOf(row), head)),
        width,
      )
    })
    .join('\n\n')

const withoutEmpty = (cells: readonly string[], head: readonly string[] = cells): readonly string[] =>
  cells.filter((_, at) => head[at] !== '')
