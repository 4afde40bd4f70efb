import type { EngineInput } from '../engine/adapter.ts'
import type { FlagSchema } from '../engine/flags.ts'
import type { Gpu } from '../hardware/inventory.ts'
import type { Profile } from '../recipes/profile.ts'

/** As part of a path: nothing that could leave it. */
const plain = (text: string): string => text.replace(/[^\w+.-]/g, '_').replace(/^\.+/, '_')

/**
 * Names launches whose compiled kernels may lie together: the same build of the engine, the same instruction set, the same number format over
 * as many ranks. vLLM's own hashes tell the models and settings below it apart, but none of them names the instruction set.
 */
export const compilePlace = (
  { engine, version, build }: Partial<Pick<FlagSchema, 'version' | 'build'>> & Pick<FlagSchema, 'engine'>,
  gpus: readonly Gpu[],
  { precision }: Pick<Profile, 'precision'>,
  { arguments: given }: Pick<EngineInput, 'arguments'>,
): string => {
  const sets = [...new Set(gpus.map(({ gfx, product }) => gfx ?? product ?? 'unknown'))].sort()
  const ranks = ['tensor', 'pipeline'].map((kind) => Number(given[`${kind}-parallel-size`] ?? 1))
  return [
    [engine, version, build].filter((part) => part !== undefined).join('-'),
    sets.length === 0 ? 'cpu' : sets.join('+'),
    `${precision}-tp${ranks[0]}${ranks[1] === 1 ? '' : `-pp${ranks[1]}`}`,
  ]
    .map(plain)
    .join('/')
}
