import { cardOf } from '../hardware/cards.ts'
import type { Gpu, Inventory } from '../hardware/inventory.ts'
import { canonicalId, readGeneralId } from '../recipes/id.ts'
import { pinnedProfile } from '../recipes/pinned.ts'
import type { Profile } from '../recipes/profile.ts'
import type { Request } from './request.ts'

/**
 * The machine that a plan is for when it is not this one: the GPUs of a product that was named and is not here, or those of a pinned profile
 * where there is no GPU at all. One GPU unless a count was asked for, as AMD's runtime has it. Nothing is known of such a machine's host. A
 * product that nobody knows the memory of has GPUs without it.
 */
export const imagine = (request: Request, inventory: Inventory, catalog: readonly Profile[]): Inventory => {
  const { gpuModel, gpuCount } = request
  const pinned = pinnedIn(request, catalog)
  const name = gpuModel ?? (inventory.gpus.length === 0 && pinned?.gpuCount !== 0 ? pinned?.gpu : undefined)
  if (name === undefined || gpuCount === 0 || isHere(name, gpuCount, inventory)) return inventory
  const count = gpuCount === 'auto' ? Math.max(1, pinned?.gpuCount ?? 1) : gpuCount
  return { gpus: gpusOf(name, count), hidden: [], driver: true, host: { cpus: inventory.host.cpus, memoryBytes: 0 }, oddities: [] }
}

/** A general profile can be pinned although no file holds it. */
const pinnedIn = ({ profileId, model }: Request, catalog: readonly Profile[]) =>
  profileId === undefined ? undefined : (pinnedProfile(profileId, model, catalog) ?? readGeneralId(canonicalId(profileId)))

const isHere = (name: string, count: number | 'auto', { gpus }: Inventory): boolean => {
  const same = gpus.filter(
    ({ product, gfx }) => product === undefined || [product, gfx].some((own) => own?.toLowerCase() === name.toLowerCase()),
  )
  return same.length >= (count === 'auto' ? 1 : count)
}

const gpusOf = (name: string, count: number): readonly Gpu[] =>
  Array.from({ length: count }, (_, index) => ({
    index,
    node: index + 1,
    ...(/^gfx/i.test(name) ? { gfx: name.toLowerCase() } : (cardOf(name) ?? { product: name })),
  }))
