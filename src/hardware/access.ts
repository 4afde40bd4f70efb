/** Whether the GPUs of the topology may be used: permissions only, nothing is opened. */
import type { FileSystem } from './file-system.ts'
import type { Blocked, HiddenGpu } from './inventory.ts'
import type { KfdGpu } from './kfd-node.ts'
import { productOf } from './products.ts'

/** The GPUs we may use and those we may not. With `blocked` the first list is empty. */
export type Access = { readonly usable: readonly KfdGpu[]; readonly hidden: readonly HiddenGpu[]; readonly blocked?: Blocked }

const kfd = '/dev/kfd'

/** What kfd_chardev.c answers EINVAL for. */
const waitForReset = 'wait until the reset of a GPU is over; if it stays so, see dmesg on the host for amdgpu and reboot it'

const give = 'docker run --device=/dev/kfd --device=/dev/dri; on Kubernetes: resources.limits with amd.com/gpu'

/**
 * Checks /dev/kfd and each GPU's render node with access(2). Opening /dev/kfd would make PID 1 a KFD process for life, so nobody
 * does. A render node that is absent (ENOENT) or denied by the cgroup (EPERM) hides its GPU alone; one that is there but closed to
 * our user (EACCES) makes ROCm fail for all GPUs (libhsakmt topology.c). `kept` are the nodes the topology kept from us already.
 */
export const checkAccess = (fs: FileSystem, gpus: readonly KfdGpu[], kept: readonly HiddenGpu[]): Access => {
  if (gpus.length === 0) return { usable: [], hidden: [], ...(kept.length > 0 && { blocked: noneUsable(kept) }) }
  const gate = fs.access(kfd)
  if (!gate.ok && gate.code !== 'EACCES') return allHidden(gpus, kfd, gate.code, gateBlocked(gpus, gate.code))
  const nodes = gpus.map((gpu) => ({ gpu, path: renderPath(gpu), code: codeOf(fs, gpu) }))
  const denied = [...(gate.ok ? [] : [kfd]), ...nodes.filter(({ code }) => code === 'EACCES').map(({ path }) => path)]
  if (denied[0] !== undefined) return allHidden(gpus, denied[0], 'EACCES', deniedBlocked(fs, gpus, denied))
  const usable = nodes.filter(({ code }) => code === undefined).map(({ gpu }) => gpu)
  const hidden = nodes.flatMap(({ gpu, path, code }) => (code === undefined ? [] : [{ node: gpu.node, reason: whyHidden(path, code) }]))
  return { usable, hidden, ...(usable.length === 0 && { blocked: noneUsable([...kept, ...hidden]) }) }
}

const renderPath = ({ renderMinor }: KfdGpu): string => (renderMinor === undefined ? '/dev/dri' : `/dev/dri/renderD${renderMinor}`)

const codeOf = (fs: FileSystem, gpu: KfdGpu): string | undefined => {
  if (gpu.renderMinor === undefined) return 'none'
  const access = fs.access(renderPath(gpu))
  return access.ok ? undefined : access.code
}

const whyHidden = (path: string, code: string): string => {
  if (code === 'none') return 'KFD names no render node for it'
  if (code === 'ENOENT') return `not given to this container: ${path} is not there (ENOENT)`
  if (code === 'EPERM') return `not given to this container: its device cgroup denies ${path} (EPERM)`
  return `${path} cannot be used (${code})`
}

const allHidden = (gpus: readonly KfdGpu[], path: string, code: string, blocked: Blocked): Access => ({
  usable: [],
  hidden: gpus.map(({ node }) => ({ node, reason: `unusable because of ${path} (${code})` })),
  blocked,
})

const gateBlocked = (gpus: readonly KfdGpu[], code: string): Blocked => {
  const here = countOf(gpus)
  if (code === 'ENOENT') return { reason: `${here}, but ${kfd} is not in this container (ENOENT), and no GPU works without it`, fix: give }
  if (code === 'EPERM')
    return { reason: `${here}, but the container's device cgroup denies ${kfd} (EPERM); a bind mount is not enough`, fix: give }
  if (code === 'EINVAL') return { reason: `${here}, but ${kfd} cannot be used (EINVAL): the driver has locked it`, fix: waitForReset }
  return { reason: `${here}, but ${kfd} cannot be used (${code})`, fix: 'see the kernel log of the host (dmesg) for amdgpu and kfd' }
}

const deniedBlocked = (fs: FileSystem, gpus: readonly KfdGpu[], denied: readonly string[]): Blocked => {
  const others = denied.length > 1 ? ` and ${denied.length - 1} more` : ''
  const reason = `${countOf(gpus)}, but this user may not read and write ${denied[0]}${others} (EACCES), and ROCm then sees no GPU at all`
  const gids = [...new Set(denied.map((path) => gidOf(fs, path)))]
  const flags = gids.map((gid) => `--group-add ${gid}`).join(' ')
  return { reason, fix: `docker run ${flags}; on Kubernetes: securityContext.supplementalGroups: [${gids.join(', ')}]` }
}

// Numeric, because the image's group of that name may have another number than the host's.
const gidOf = (fs: FileSystem, path: string): string => {
  const owner = fs.owner(path)
  return owner.ok ? String(owner.value.gid) : `$(stat -c %g ${path})`
}

const noneUsable = (hidden: readonly HiddenGpu[]): Blocked => {
  const given = hidden.filter(({ reason }) => !reason.startsWith('not given'))
  const count = `${hidden.length} ${hidden.length === 1 ? 'GPU is' : 'GPUs are'} in this machine`
  if (given[0] === undefined) return { reason: `${count}, but none is given to this container`, fix: give }
  return {
    reason: `${count}, but none can be used: ${given[0].reason}`,
    fix: 'see dmesg on the host for amdgpu and kfd; EBUSY passes when a reset is over',
  }
}

// "8 GPUs (MI300X) are in this machine"
const countOf = (gpus: readonly KfdGpu[]): string => {
  const products = [...new Set(gpus.map(({ deviceId, gfx }) => productOf(deviceId)?.product ?? gfx ?? 'unknown'))].join(', ')
  return `${gpus.length} ${gpus.length === 1 ? `GPU (${products}) is` : `GPUs (${products}) are`} in this machine`
}
