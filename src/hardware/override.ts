/** HSA_OVERRIDE_GFX_VERSION: making ROCm take a GPU for another instruction set. */
import { gfxName } from './gfx.ts'
import type { Blocked } from './inventory.ts'
import type { KfdGpu } from './kfd-node.ts'

/** GPUs with the gfx that the engine will see. */
export type Overridden = { readonly gpus: readonly KfdGpu[]; readonly oddities: readonly string[]; readonly blocked?: Blocked }

type Environment = Readonly<Record<string, string | undefined>>

const variable = 'HSA_OVERRIDE_GFX_VERSION'

/**
 * Applies HSA_OVERRIDE_GFX_VERSION_<node>, else HSA_OVERRIDE_GFX_VERSION, each `major.minor.step` (11.0.0 is gfx1100). One that is
 * set and does not read so, even empty, makes ROCm fail for all GPUs (libhsakmt topology.c), and is reported as `blocked`.
 */
export const applyOverride = (gpus: readonly KfdGpu[], environment: Environment): Overridden => {
  const asked = gpus.map((gpu) => ({ gpu, ...askedFor(gpu, environment) }))
  const wrong = asked.find(({ value, gfx }) => value !== undefined && gfx === undefined)
  if (wrong !== undefined) return { gpus, oddities: [], blocked: blockedBy(wrong.name, wrong.value) }
  const changed = asked.filter(({ gpu, gfx }) => gfx !== undefined && gfx !== gpu.gfx)
  return {
    gpus: asked.map(({ gpu, gfx }) => (gfx === undefined ? gpu : { ...gpu, gfx })),
    oddities: changed.map(({ gpu, gfx, name }) => `KFD node ${gpu.node} is ${gpu.gfx ?? 'of unknown gfx'}, and ${name} makes it ${gfx}`),
  }
}

const askedFor = ({ node }: KfdGpu, environment: Environment) => {
  const own = `${variable}_${node}`
  const name = environment[own] === undefined ? variable : own
  const value = environment[name]
  return { name, value, gfx: value === undefined ? undefined : parseVersion(value) }
}

const parseVersion = (value: string): string | undefined => {
  const [major = -1, minor = -1, step = -1] = (/^(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(value) ?? []).slice(1).map(Number)
  const fits = major >= 0 && major <= 63 && minor <= 255 && step <= 255
  return fits ? gfxName(major, minor, step) : undefined
}

const blockedBy = (name: string, value: string | undefined): Blocked => ({
  reason: `${name} is "${value}", but ROCm takes major.minor.step only (11.0.0) and else fails for all GPUs`,
  fix: `unset ${name}, or set it to a version of that form`,
})
