/** `aim recipes new MODEL`: the beginning of a recipe, from what a plan would do, on stdout. */
import { join } from 'node:path'
import type { Launch } from '../../plan/launch.ts'
import { describeRefusal, isRefusal, type Refusal } from '../../plan/refusal.ts'
import type { Profile } from '../../recipes/profile.ts'
import { rehearse, setScene } from '../../serve/rehearse.ts'
import type { ExitCode } from '../../std/exit-codes.ts'
import { Failure } from '../../std/failure.ts'
import { version } from '../../std/version.ts'
import { overlay, readOptions, warn } from '../options.ts'
import { type Format, print, yamlOf } from '../output.ts'
import type { RecipeFlags } from './scene.ts'

/** Without the size of the model a recipe can be begun all the same. Milliseconds. */
const patienceMs = 20_000

/** Prints a valid recipe whose one profile is what would run here (or on the machine of the flags), to be tuned and given its sources. */
export const newRecipeCommand = async (model: string, flags: RecipeFlags, format: Format): Promise<number> => {
  const environment = overlay(model, flags, [])
  const options = readOptions(environment)
  const scene = await setScene(options, environment, warn)
  const { launch, blind } = await rehearse(scene, options, environment, patienceMs)
  if (isRefusal(launch)) throw new Failure(describeRefusal(launch as Refusal), { exitCode: (launch as Refusal).exitCode as ExitCode })
  if (blind !== undefined) warn(`nothing is known about the weights, so their size is missing: ${blind}`)
  const recipe = recipeOf(model, launch as Launch)
  const path = join('recipes', `${model}.yaml`)
  const text = await yamlOf(recipe)
  await print(
    format,
    { path, recipe },
    () => `# ${path}: measure, then say so under sources. Check it with: aim recipes validate ${path}\n${text}`,
  )
  return 0
}

const recipeOf = (model: string, { profile, model: { facts } }: Launch) => {
  const { checkpoint, precision } = profile
  return {
    model,
    gated: profile.recipe?.gated ?? false,
    task: facts.task,
    sources: [`${profile.id} as aim ${version} plans it; not measured`],
    ...(checkpoint === undefined ? {} : { checkpoints: { [precision]: checkpoint } }),
    ...(facts.weightsBytes === undefined
      ? {}
      : { weights: { [precision]: `${Math.round((facts.weightsBytes / 2 ** 30) * 10) / 10} GiB` } }),
    defaults: { arguments: argumentsOf(profile), environment: profile.environment },
    profiles: [
      {
        ...{ gpu: profile.gpu, count: profile.gpuCount, precision },
        ...{ metric: ['latency', 'throughput'], type: 'unoptimized' },
      },
    ],
  }
}

/** `count` says how many ways the work is divided; pipeline stages are an argument like any other. */
const argumentsOf = ({ arguments: { 'tensor-parallel-size': _, ...own } }: Profile) => own
