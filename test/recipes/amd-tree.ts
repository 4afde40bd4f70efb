/** Trees of profiles in AMD's shape: its own, where the fixtures are, and one of ours. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse, stringify } from 'yaml'
import { generator } from '../random.ts'
import type { AmdFile } from './amd-runtime.ts'

const archive = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures/amd-aim-profiles-0.9.tar.gz')

/** Whether the tree is on this machine. */
export const hasTree = existsSync(archive)

/** What to say when it is not. */
export const withoutTree = `no profiles of AMD's at ${archive}: nothing was compared; AIM_SHARED names its folder`

/** A directory that AMD's runtime calls `profiles`; `remove` takes it away. */
export type Mounted = { readonly profiles: string; readonly remove: () => void }

const mountPoint = (at: string): Mounted => {
  const profiles = mkdtempSync(join(tmpdir(), 'aim-amd-'))
  mkdirSync(join(profiles, at), { recursive: true })
  return { profiles, remove: () => rmSync(profiles, { recursive: true }) }
}

/** Its tree, at `at` below a fresh directory. */
export const unpackTree = (at = ''): Mounted => {
  const mounted = mountPoint(at)
  execFileSync('tar', ['-xzf', archive, '-C', join(mounted.profiles, at), '--strip-components=1', 'profiles'])
  return mounted
}

/** Every file of a tree, as AMD's runtime sees it; `root` is what it calls `profiles`. */
export const filesOf = (root: string): readonly AmdFile[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.yaml'))
    .toSorted()
    .map((path) => ({ path, ...(parse(readFileSync(join(root, path), 'utf8')) as Omit<AmdFile, 'path'>) }))

/** The models of our own tree. */
const models = ['one/small', 'one/large', 'two/mixture']

/**
 * A tree of ours in AMD's shape, at `at` below a fresh directory: models with profiles of every type, by hand or not, on three products, and
 * general ones; not two of them equal in all that AMD orders by.
 */
export const writeOwnTree = (at = ''): Mounted => {
  const mounted = mountPoint(at)
  for (const [path, document] of ownFiles()) {
    const file = join(mounted.profiles, at, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, stringify(document))
  }
  return mounted
}

const ownFiles = (): readonly (readonly [path: string, document: object])[] => {
  const random = generator(20261128)
  const places = [
    ...models.map((model) => [model, model] as const),
    ['general', undefined] as const,
    ['custom/three/own', 'three/own'] as const,
  ]
  return places.flatMap(([folder, model]) =>
    ['MI300X', 'MI325X', 'MI355X'].flatMap((gpu) =>
      [1, 2, 4, 8].flatMap((gpu_count) =>
        ['fp4', 'fp8', 'fp16', 'bf16'].flatMap((precision) =>
          ['latency', 'throughput'].flatMap((metric) =>
            (model === undefined ? ['general'] : ['optimized', 'preview', 'unoptimized']).flatMap((type) => {
              if (random() > 0.3) return []
              const metadata = { engine: 'vllm', gpu, gpu_count, precision, metric, type, manual_selection_only: random() < 0.4 }
              const names = model === undefined ? {} : { aim_id: model, model_id: precision === 'fp8' ? `${model}-FP8` : model }
              const file = `vllm-${gpu.toLowerCase()}-${precision}-tp${gpu_count}-${metric}-${type}.yaml`
              return [[`${folder}/${file}`, { ...names, metadata, engine_args: { 'max-model-len': 4096 }, env_vars: {} }] as const]
            }),
          ),
        ),
      ),
    ),
  )
}
