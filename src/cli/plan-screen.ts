/** A launch as one screen for a person. */
import type { Gpu } from '../hardware/inventory.ts'
import type { Fit } from '../model/fit.ts'
import type { Launch } from '../plan/launch.ts'
import type { Rejection } from '../recipes/profile.ts'
import type { Roofline } from '../recipes/roofline.ts'
import { synthesizedSource } from '../recipes/synthesize.ts'
import { formatBytes } from '../std/bytes.ts'
import { quoteWord } from '../std/words.ts'
import { memoryBar } from './memory-bar.ts'
import type { Paint } from './paint.ts'
import { rooflineInWords } from './roofline.ts'
import { wrap, wrapItem } from './wrap.ts'

/** How wide the reader is, in columns (infinite in a pipe, so that a line stays a line for grep), and its colours. */
export type Look = { readonly width: number; readonly paint: Paint }

/** What runs and on what (`cached`: all of the model is here already), the memory, the reasons, what was rejected, and the exact command. */
export const planScreen = (launch: Launch, fit: Fit | undefined, roofline: Roofline | undefined, cached: boolean, look: Look): string =>
  [
    ...whatRuns(launch, cached, look),
    ...section(memoryTitle(launch), [...memory(launch, fit, look), ...speed(roofline, look)], look),
    ...section(
      'why',
      launch.reasons.flatMap((reason) => wrapItem(reason, look.width)),
      look,
    ),
    ...section(`rejected: ${launch.rejected.length}`, rejections(launch.rejected, look.width), look),
    ...section(
      'environment',
      Object.entries(launch.engine.env).map(([name, value]) => `  ${name}=${quoteWord(value)}`),
      look,
    ),
    ...section(
      'command',
      commandLines(launch.engine.argv).map((line) => `  ${line}`),
      look,
    ),
  ].join('\n')

const section = (title: string, lines: readonly string[], { paint }: Look): readonly string[] =>
  lines.length === 0 ? [] : ['', paint('bold', title), ...lines]

const whatRuns = ({ model, profile, gpus, resources, engine }: Launch, cached: boolean, { width, paint }: Look): readonly string[] => {
  const commit = model.artifact === undefined ? '' : ` at ${model.artifact.commit.slice(0, 12)}`
  const loads = model.artifact?.repo === undefined || model.artifact.repo === model.id ? '' : ` (weights: ${model.artifact.repo})`
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['profile', `${profile.id}, ${profile.type}`],
    ['from', profile.source === synthesizedSource ? 'no recipe: made for this model on these GPUs' : profile.source],
    ['runs on', gpus.length === 0 ? 'the CPU' : describeGpus(gpus)],
    ['host', hostNeeds(resources)],
    ['download', cached ? 'nothing: the model is here' : download(resources)],
    ['answers to', model.servedNames.join(', ')],
  ]
  return [
    ...wrap(`${model.id}${commit}${loads} with ${engine.name}`, width).map((line) => paint('bold', line)),
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : hang(name, value, width))),
  ]
}

/** A name in the left column and its value beside it, also where that takes several lines. */
const hang = (name: string, value: string, width: number): readonly string[] =>
  wrap(value, width, ' '.repeat(14)).map((line, at) => (at === 0 ? `  ${name.padEnd(12)}${line.slice(14)}` : line))

const describeGpus = (gpus: readonly Gpu[]): string =>
  [...Map.groupBy(gpus, ({ product, gfx, vramBytes }) => gpuInWords(product ?? gfx ?? 'unknown GPU', vramBytes))]
    .map(([kind, group]) => `${group.length} x ${kind}, index ${group.map(({ index }) => index).join(' ')}`)
    .join('; ')

const gpuInWords = (name: string, vramBytes: number | undefined): string =>
  vramBytes === undefined ? name : `${name} of ${formatBytes(vramBytes)}`

const download = ({ downloadBytes }: Launch['resources']): string | undefined =>
  downloadBytes === undefined ? undefined : formatBytes(downloadBytes)

const hostNeeds = ({ memoryBytes, shmBytes, cpus }: Launch['resources']): string | undefined => {
  const needs = [
    ...(memoryBytes === undefined ? [] : [`${formatBytes(memoryBytes)} of memory`]),
    ...(shmBytes === undefined ? [] : [`${formatBytes(shmBytes)} of /dev/shm`]),
    ...(cpus === undefined ? [] : [`${cpus} CPUs`]),
  ]
  return needs.length === 0 ? undefined : needs.join(', ')
}

const memoryTitle = ({ gpus: [gpu] }: Launch): string =>
  gpu?.vramBytes === undefined ? 'memory of one GPU' : `memory of one GPU: ${formatBytes(gpu.vramBytes)}`

const memory = ({ gpus: [gpu] }: Launch, fit: Fit | undefined, { width, paint }: Look): readonly string[] => {
  if (gpu === undefined) return []
  if (fit === undefined || gpu.vramBytes === undefined) return ['  not known: the weights or the memory of the GPU are not']
  return memoryBar(fit, gpu.vramBytes, width, paint)
}

const speed = (roofline: Roofline | undefined, { width }: Look): readonly string[] =>
  roofline === undefined ? [] : wrap(rooflineInWords(roofline), width, '  ')

/** Ids that are named for one reason; the rest is counted. */
const namedIds = 3

/** By the first thing that stood against each, the most first: a screen, not a protocol. */
export const rejections = (rejected: readonly Rejection[], width: number): readonly string[] => {
  if (rejected.length === 0) return []
  const groups = [...Map.groupBy(rejected, ({ reasons }) => reasons[0] ?? 'not the best')].sort(([, a], [, b]) => b.length - a.length)
  return [
    ...groups.flatMap(([reason, group]) => wrapItem(`${reason}: ${namesOf(group)}`, width)),
    ...wrap('all that stood against each: --format json', width, '  '),
  ]
}

const namesOf = (group: readonly Rejection[]): string => {
  const names = group.slice(0, namedIds).map(({ id }) => id)
  return group.length > namedIds ? `${names.join(' ')} and ${group.length - namedIds} more` : names.join(' ')
}

/** A command as a shell reads it: one flag with its values a line, each but the last ending in a backslash. */
export const commandLines = (argv: readonly string[]): readonly string[] => {
  const starts = argv.flatMap((word, at) => (at > 0 && /^-+[A-Za-z]/.test(word) ? [at] : []))
  const lines = [0, ...starts].map((start, n) => argv.slice(start, starts[n]).map(quoteWord).join(' '))
  return lines.map((line, at) => `${at === 0 ? '' : '  '}${line}${at === lines.length - 1 ? '' : ' \\'}`)
}
