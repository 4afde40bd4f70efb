import type { Inventory } from '../hardware/inventory.ts'
import { gpusInWords } from '../recipes/hard-tests.ts'
import type { Refusal } from '../recipes/refusal.ts'
import { exitCodes } from '../std/exit-codes.ts'

export { isRefusal, type Refusal } from '../recipes/refusal.ts'

/** A refusal as text for a terminal: what cannot be, what to do, and each profile with all that stood against it. */
export const describeRefusal = ({ message, fix, rejected, nearest = [] }: Refusal): string =>
  [
    message,
    `  fix: ${fix}`,
    ...nearest.map((command) => `  would run: ${command}`),
    ...rejected.map(({ id, reasons }) => `  not ${id}: ${reasons.join('; ')}`),
  ].join('\n')

/** A refusal because what was asked for contradicts itself or is not allowed (78). */
export const badRequest = (message: string, fix: string): Refusal => ({
  kind: 'refusal',
  exitCode: exitCodes.config,
  message,
  fix,
  rejected: [],
})

/** GPUs that are in the machine and not ours, grouped by why: `2 GPUs are not ours: ...`. */
export const describeHidden = ({ hidden }: Inventory): readonly string[] =>
  [...Map.groupBy(hidden, ({ reason }) => reason)].map(
    ([reason, group]) => `${gpusInWords(group.length)} ${group.length === 1 ? 'is' : 'are'} not ours: ${reason}`,
  )

/** The codes by which detection says that a device is there and closed to us (access(2)). */
const notPermitted = /\((?:EACCES|EPERM)\)/

/** No GPU although one is wanted: 77 when a permission is in the way, else 69; with the reasons of detection and the two ways out. */
export const noGpu = (model: string, inventory: Inventory): Refusal => {
  const { blocked } = inventory
  const access = blocked?.fix ?? 'give the container its GPUs (docker run --device /dev/kfd --device /dev/dri)'
  return {
    kind: 'refusal',
    exitCode: notPermitted.test(blocked?.reason ?? '') ? exitCodes.permission : exitCodes.unavailable,
    message: `cannot serve ${model}: no GPU can be used: ${whyNone(inventory)}`,
    fix: `${access}, or set AIM_GPU_COUNT=0 to run on the CPU`,
    rejected: [],
  }
}

const whyNone = (inventory: Inventory): string => {
  if (inventory.blocked !== undefined) return inventory.blocked.reason
  if (inventory.hidden.length > 0) return describeHidden(inventory).join('; ')
  return inventory.driver ? 'the amdgpu driver knows none' : 'the amdgpu driver is not loaded on this host'
}
