/** Edge: what starts took of the GPUs' memory, kept on the cache's volume for the next plan; what cannot be read or written is no error. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MemoryFigures } from '../engine/figures.ts'
import { type Boot, parseBoots, withBoot } from '../model/boots.ts'
import type { Launch } from '../plan/launch.ts'
import { repositoryOf } from '../recipes/hard-tests.ts'
import type { AvailableGpu } from '../recipes/question.ts'
import { draftOf } from './draft.ts'

/** Names the starts of one model's weights on one kind of GPU. Memory counts by the quarter GiB: drivers differ by less. */
const fileOf = (directory: string, { product, gfx, vramBytes = 0, computePartition }: AvailableGpu, repository: string): string => {
  const key = JSON.stringify([product, gfx, Math.round(vramBytes / 2 ** 28), computePartition, repository])
  return join(directory, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`)
}

/** What is known of starts of these weights on these GPUs. */
export const readBoots = async (
  directory: string,
  gpus: readonly AvailableGpu[],
  repositories: readonly string[],
): Promise<readonly Boot[]> => {
  const paths = new Set(gpus.flatMap((gpu) => repositories.map((repository) => fileOf(directory, gpu, repository))))
  const texts = await Promise.all([...paths].map((path) => readFile(path, 'utf8').catch(() => '')))
  const asked = new Set(repositories)
  return texts.flatMap(parseBoots).filter(({ repository }) => asked.has(repository))
}

/** How a start went: it served, or its GPU's memory was too small. */
export type Outcome = 'served' | 'too-small'

/** Keeps what a launch's start took; whole or not at all, since several containers may write at once. The later of two wins. */
export const writeBoot = async (directory: string, launch: Launch, figures: MemoryFigures, outcome: Outcome, at: Date): Promise<void> => {
  const boot = bootOf(launch, figures, outcome, at)
  const [gpu] = launch.gpus
  if (boot === undefined || gpu === undefined) return
  const path = fileOf(directory, gpu, boot.repository)
  const part = draftOf(path, { pid: process.pid, at: Date.now(), chance: Math.random() })
  try {
    await mkdir(directory, { recursive: true })
    const known = await readFile(path, 'utf8').then(parseBoots, () => [])
    await writeFile(part, `${JSON.stringify(withBoot(known, boot))}\n`)
    await rename(part, path)
  } catch {
    await rm(part, { force: true }).catch(() => undefined)
  }
}

/** The simulator's figures are its own; and a start that said nothing teaches nothing. */
const bootOf = ({ engine, model, profile, setup }: Launch, figures: MemoryFigures, outcome: Outcome, at: Date): Boot | undefined => {
  if (engine.name === 'simulator' || setup === undefined) return undefined
  const { weightsBytes, loadSeconds = 0, cacheBytes, graphBytes, refusedContext } = figures
  const served = outcome === 'served'
  if (served && weightsBytes === undefined) return undefined
  const { measured: _, ...plain } = setup
  return {
    ...{ at: at.toISOString(), repository: repositoryOf(profile, model.id), setup: plain },
    ...(weightsBytes === undefined ? {} : { weightsBytes }),
    ...(loadSeconds > 0 ? { loadSeconds } : {}),
    ...(cacheBytes === undefined ? {} : { cacheBytes }),
    ...(graphBytes === undefined ? {} : { graphBytes }),
    ...(served ? {} : { refused: refusedContext === undefined ? {} : { contextLength: refusedContext } }),
  }
}
