/** Who holds VRAM: our own processes by their DRM descriptors, others by what is left of the package's use. */
import type { PatientFiles } from './file-system.ts'
import { packageOf } from './pci.ts'
import { parseInteger } from './properties.ts'

/** A DRM client of amdgpu, as /proc/PID/fdinfo shows an open render node (Documentation/gpu/drm-usage-stats.rst, amdgpu_fdinfo.c). */
export type DrmClient = {
  /** PCI address of the package. */
  readonly package: string
  /** The same for every descriptor that was duplicated from one open. */
  readonly client: string
  readonly vramBytes: number
}

/** A process and the VRAM that it holds on one package. */
export type Holder = { readonly pid: number; readonly package: string; readonly vramBytes: number }

/** What some process of this machine holds through KFD, by KFD's gpu_id. The pid is the host's and means nothing in a container. */
export type KfdHolder = { readonly hostPid: number; readonly gpuId: number; readonly vramBytes: number }

const units: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** Reads one fdinfo; undefined when it is not amdgpu's. Kernels before 5.19 wrote `vram mem` and `pdev`; the newest choose the unit. */
export const parseFdinfo = (text: string): DrmClient | undefined => {
  const field = (...names: readonly string[]): string | undefined =>
    names.map((name) => new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(text)?.[1]).find((value) => value !== undefined)
  const address = field('drm-pdev', 'pdev')
  const vram = field('drm-memory-vram', 'drm-resident-vram', 'vram mem')
  const [, digits, unit = ''] = /^(\d{1,15})\s*(KiB|kB|MiB|GiB|)$/.exec(vram ?? '') ?? []
  if (address === undefined || digits === undefined || !/^[\da-f:.]{12}$/.test(address)) return undefined
  const factor = units[unit.replace('kB', 'KiB')] ?? 1
  return { package: packageOf(address), client: field('drm-client-id', 'pasid') ?? address, vramBytes: Number(digits) * factor }
}

/**
 * What each of these processes holds, largest first. Only descriptors of render nodes are looked into; a process that ended, or that we
 * may not look into, holds nothing that can be seen. A client that several descriptors or processes share counts once, for the first.
 */
export const readHolders = async (files: PatientFiles, pids: readonly number[]): Promise<readonly Holder[]> => {
  const seen = new Set<string>()
  const holders: Holder[] = []
  for (const pid of pids) {
    const clients = (await clientsOf(files, pid)).filter((client) => isNew(seen, `${client.package} ${client.client}`))
    for (const [address, group] of Map.groupBy(clients, (client) => client.package)) {
      const vramBytes = group.reduce((sum, client) => sum + client.vramBytes, 0)
      if (vramBytes > 0) holders.push({ pid, package: address, vramBytes })
    }
  }
  return holders.sort((a, b) => b.vramBytes - a.vramBytes)
}

const isNew = (seen: Set<string>, key: string): boolean => !seen.has(key) && seen.add(key).has(key)

const clientsOf = async (files: PatientFiles, pid: number): Promise<readonly DrmClient[]> => {
  const listed = await files.list(`/proc/${pid}/fd`)
  const clients: DrmClient[] = []
  for (const descriptor of listed.ok ? listed.value : []) {
    const target = await files.readLink(`/proc/${pid}/fd/${descriptor}`)
    if (!target.ok || !target.value.startsWith('/dev/dri/')) continue
    const text = await files.readText(`/proc/${pid}/fdinfo/${descriptor}`)
    const client = text.ok ? parseFdinfo(text.value) : undefined
    if (client !== undefined) clients.push(client)
  }
  return clients
}

const processes = '/sys/class/kfd/kfd/proc'

/** Every KFD process of the machine and its VRAM: also those of other containers, which nothing else in a container shows. */
export const readKfdHolders = async (files: PatientFiles): Promise<readonly KfdHolder[]> => {
  const listed = await files.list(processes)
  const holders: KfdHolder[] = []
  for (const pid of listed.ok ? listed.value.filter((name) => /^\d+$/.test(name)) : []) {
    const entries = await files.list(`${processes}/${pid}`)
    for (const name of entries.ok ? entries.value : []) {
      const gpuId = /^vram_(\d{1,10})$/.exec(name)?.[1]
      const read = gpuId === undefined ? undefined : await files.readText(`${processes}/${pid}/${name}`)
      const vramBytes = read?.ok ? (parseInteger(read.value) ?? 0) : 0
      if (vramBytes > 0) holders.push({ hostPid: Number(pid), gpuId: Number(gpuId), vramBytes })
    }
  }
  return holders.sort((a, b) => b.vramBytes - a.vramBytes)
}
