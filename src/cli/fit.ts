/** `aim fit`: whether a model fits on some GPUs, there or imagined. */
import type { NamedCard } from '../hardware/card-names.ts'
import { type FitReport, fitReport } from '../recipes/fit-report.ts'
import { modelFiles } from '../serve/fit-model.ts'
import { machineOf } from '../serve/machine.ts'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import type { FitFlags } from './fit-options.ts'
import { type Asked, modelOf, readFitFlags } from './fit-question.ts'
import { showFit } from './fit-screen.ts'
import { overlay, readOptions } from './options.ts'
import { type Format, look, print } from './output.ts'

/** Prints the answer; exits 69 when it does not fit, 2 when the options cannot be read. */
export const fitCommand = async (model: string, extra: readonly string[], { format, ...flags }: FitFlags & { format: Format }) => {
  const { asked, problems } = readFitFlags(flags, extra)
  if (problems.length > 0) throw unreadable(problems)
  const options = readOptions(overlay(undefined, typeof flags.revision === 'string' ? { revision: flags.revision } : {}, []))
  const [{ config, files, from, ...headers }, here] = await Promise.all([
    modelFiles(model, options, new AbortController().signal),
    asked.card === undefined ? cardHere(options) : undefined,
  ])
  const card = asked.card ?? here?.card
  if (card === undefined) throw unreadable(['--gpu must name a product: no GPU with known memory is in this machine'])
  const { facts, converted, assumed } = modelOf(config, files, asked, headers)
  const report = fitReport({
    ...{ model, facts, card, arguments: asked.arguments, gpuCount: asked.gpuCount ?? worldOf(asked) ?? 1 },
    ...(converted === undefined ? {} : { converted }),
    ...(asked.engineVersion === undefined ? {} : { engineVersion: asked.engineVersion }),
  })
  if (report === undefined) throw weightless(model)
  await print(format, documentOf(report, from, assumed), () => showFit(report, from, assumed, look().width))
  return report.fit.verdict === 'no' ? exitCodes.unavailable : exitCodes.ok
}

/** Without the facts' inner tables, which are large and no answer, and the boolean that would call `likely` a fit. */
const documentOf = ({ facts, converted: _, fit, ...report }: FitReport, from: string, assumed: readonly string[]) => {
  const { shape, bounds, ...model } = facts
  const { verdict, fits: __, ...numbers } = fit
  return {
    verdict,
    ...report,
    from,
    assumed,
    facts: {
      ...model,
      ...(shape === undefined ? (bounds === undefined ? {} : { weightsFrom: 'headers' }) : { weightsFrom: shape.source }),
    },
    fit: numbers,
  }
}

const cardHere = async (options: Parameters<typeof machineOf>[0]): Promise<{ readonly card: NamedCard } | undefined> => {
  const { gpus } = await machineOf(options, overlay(undefined, {}, []))
  const gpu = gpus.find(({ vramBytes }) => vramBytes !== undefined)
  if (gpu?.vramBytes === undefined) return undefined
  const { product, gfx = 'gfx942', vramBytes, sharesHostMemory } = gpu
  return { card: { product: product ?? gfx, gfx, vramBytes, ...(sharesHostMemory === true ? { unified: true } : {}) } }
}

const worldOf = ({ arguments: args }: Asked): number | undefined => {
  const sizes = ['tensor', 'pipeline', 'data'].map((kind) => Number(args[`${kind}-parallel-size`] ?? 1))
  return sizes.reduce((product, size) => product * size, 1)
}

const unreadable = (problems: readonly string[]): Failure =>
  new Failure(`cannot ask for a fit\n${problems.map((problem) => `  ${problem}`).join('\n')}`, {
    exitCode: exitCodes.usage,
    fix: 'aim fit MODEL --gpu MI300X --count 4 --context 32k (all options: aim fit --help)',
  })

const weightless = (model: string): Failure =>
  new Failure(`cannot tell whether ${model} fits: neither its architecture nor the size of its weights is known`, {
    exitCode: exitCodes.config,
    fix: 'add --weights-bytes 16GiB or --parameters 8B',
  })
