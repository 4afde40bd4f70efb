/** A machine as files that can be read back elsewhere: what detection asks of it, and what it answered where a file cannot hold the answer. */
import { dirname, normalize } from 'node:path'
import type { Read } from '../std/result.ts'
import type { Answers } from './captured.ts'
import { detect } from './detect.ts'
import { deviceDirectories } from './device-directory.ts'
import type { FileSystem } from './file-system.ts'
import { readLinks } from './links.ts'

/** A captured machine; paths are absolute as on it, and `links` and `files` hold none that lies behind another link. */
export type Capture = {
  readonly files: Readonly<Record<string, string>>
  readonly links: Readonly<Record<string, string>>
  /** Directories that were listed, and names in them that hold nothing that was read. */
  readonly directories: readonly string[]
  readonly answers: Answers
}

/** Variables that decide what of a machine is seen; nothing else of the environment is taken. */
const masks = /^(?:ROCR|HIP|CUDA|AMD)_VISIBLE_DEVICES$|^GPU_DEVICE_ORDINAL$|^HSA_OVERRIDE_GFX_VERSION(?:_\d+)?$/

/** What a bug report needs besides what detection reads. */
const besides = {
  machine: [
    ...['/proc/sys/kernel/osrelease', '/proc/self/limits', '/sys/module/amdgpu/version', '/sys/module/amdgpu/initstate'],
    '/sys/module/ttm/parameters/pages_limit',
  ],
  node: ['name', 'mem_banks/0/used_memory'],
  device: [
    ...['vendor', 'device', 'subsystem_vendor', 'subsystem_device', 'class', 'vbios_version', 'mem_info_vram_total', 'mem_info_gtt_total'],
    ...['available_compute_partition', 'available_memory_partition', 'gpu_busy_percent'],
  ],
}

/** Captures the machine behind `fs` under these masks: what is read back gives the same inventory. Holds ids of GPUs, and no serial number. */
export const captureMachine = (fs: FileSystem, environment: Readonly<Record<string, string | undefined>>): Capture => {
  const recorder = recording(fs)
  const { gpus } = detect(recorder.fs, environment)
  const nodes = recorder.fs.list('/sys/class/kfd/kfd/topology/nodes')
  const all = (nodes.ok ? nodes.value : []).filter((name) => /^\d+$/.test(name)).map((name, index) => ({ node: Number(name), index }))
  readLinks(recorder.fs, all)
  for (const path of besides.machine) recorder.fs.readText(path)
  for (const { node } of all) for (const file of besides.node) recorder.fs.readText(`/sys/class/kfd/kfd/topology/nodes/${node}/${file}`)
  for (const directory of new Set(gpus.flatMap((gpu) => deviceDirectories(gpu, gpus))))
    for (const file of besides.device) recorder.fs.readText(`${directory}/${file}`)
  const dri = recorder.fs.list('/dev/dri')
  for (const name of dri.ok ? dri.value.filter((entry) => entry.startsWith('renderD')) : []) {
    recorder.fs.access(`/dev/dri/${name}`)
    recorder.fs.owner(`/dev/dri/${name}`)
  }
  recorder.fs.owner('/dev/kfd')
  return recorder.capture(environment)
}

// /proc/self/status also names the process and its user.
const kept = (path: string, text: string): string =>
  path === '/proc/self/status' ? (/^Cpus_allowed_list:.*\n?/m.exec(text)?.[0] ?? '') : text

const recording = (fs: FileSystem) => {
  const files: Record<string, string> = {}
  const links: Record<string, string> = {}
  const directories = new Set<string>()
  const errors: Record<string, string> = {}
  const access: Record<string, string> = {}
  const owners: Record<string, { readonly uid: number; readonly gid: number }> = {}
  const spaces: Record<string, { readonly totalBytes: number; readonly freeBytes: number }> = {}
  const place = placing(fs, links)
  // What is absent is absent in the tree too.
  const note = <T>(path: string, read: Read<T>, take: (value: T, place: string) => void): Read<T> => {
    if (read.ok) take(read.value, place(path))
    else if (read.code !== 'ENOENT' && read.code !== 'ENOTDIR') errors[path] = read.code
    return read
  }
  const recorder: FileSystem = {
    readText: (path) =>
      note(path, fs.readText(path), (text, at) => {
        files[at] = kept(path, text)
      }),
    list: (path) =>
      note(path, fs.list(path), (names, at) => {
        directories.add(at)
        for (const name of names) directories.add(`${at}/${name}`)
      }),
    access: (path) => {
      const read = fs.access(path)
      if (read.ok) files[path] ??= ''
      else access[path] = read.code
      return read
    },
    readLink: (path) => fs.readLink(path),
    owner: (path) => {
      const read = fs.owner(path)
      if (read.ok) owners[path] = read.value
      return read
    },
    space: (path) => {
      const read = fs.space(path)
      if (read.ok) spaces[path] = read.value
      return read
    },
  }
  const capture = (environment: Readonly<Record<string, string | undefined>>): Capture => ({
    files,
    links,
    directories: [...directories].filter((path) => files[path] === undefined && links[path] === undefined),
    answers: { errors, access, owners, spaces, environment: masksOf(environment) },
  })
  return { fs: recorder, capture }
}

const masksOf = (environment: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value !== undefined && masks.test(name) ? [[name, value]] : [])),
  )

/** Follows the links on the way to a path, and notes them; sysfs has a device in one place and links to it from several. */
const placing = (fs: FileSystem, links: Record<string, string>): ((path: string) => string) => {
  const known = new Map<string, string | undefined>()
  const targetOf = (path: string): string | undefined => {
    if (!known.has(path)) {
      const read = /^\/(?:sys|dev)\//.test(path) ? fs.readLink(path) : { ok: false as const, code: '' }
      known.set(path, read.ok ? read.value : undefined)
    }
    return known.get(path)
  }
  return (path) => {
    let at = ''
    let hops = 0
    let rest = path.split('/').filter(Boolean)
    while (rest.length > 0) {
      const next = `${at}/${rest.shift()}`
      const target = targetOf(next)
      if (target === undefined || ++hops > 40) {
        at = next
        continue
      }
      links[next] = target
      rest = [
        ...normalize(target.startsWith('/') ? target : `${dirname(next)}/${target}`)
          .split('/')
          .filter(Boolean),
        ...rest,
      ]
      at = ''
    }
    return at
  }
}
