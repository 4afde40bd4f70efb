import { formatBytes, gib } from '../std/bytes.ts'
import { exitCodes } from '../std/exit-codes.ts'
import type { Problem } from '../std/problem.ts'
import { type Finding, type Fix, fatal, odd } from './finding.ts'
import { hostMemoryBytes, sharedMemoryBytes } from './host.ts'
import { usableMemory } from './question.ts'
import type { Symptoms } from './symptoms.ts'

/** What is wrong around the GPUs: configuration, shared memory, memory, process limits, the kernel's moving of pages. */
export const diagnoseHost = (symptoms: Symptoms): readonly Finding[] => [
  ...symptoms.problems.map(configuration),
  ...sharedMemory(symptoms),
  ...memory(symptoms),
  ...openFiles(symptoms.limits),
  ...lockedMemory(symptoms),
  ...numaBalancing(symptoms),
]

const configuration = ({ severity, key, value, rule, fix }: Problem): Finding => {
  const what = `${key}${value === undefined ? '' : `=${JSON.stringify(value)}`} ${rule}`
  const mend = fix ?? `correct or unset ${key} (all variables: aim help env)`
  return severity === 'problem'
    ? fatal(exitCodes.config, what, 'nothing is served with a setting that has no meaning', mend)
    : odd(what, 'it does not do what was meant', mend)
}

const sharedMemory = ({ inventory: { gpus, host } }: Symptoms): readonly Finding[] => {
  if (gpus.length < 2 || host.shmBytes === undefined || host.shmBytes >= sharedMemoryBytes) return []
  const size = sharedMemoryBytes / gib(1)
  return [
    odd(
      `/dev/shm has ${formatBytes(host.shmBytes)} for ${gpus.length} GPUs`,
      'the ranks of several GPUs talk through it, and die with a bus error when it is full',
      {
        docker: `--shm-size=${size}g (or --ipc=host)`,
        compose: `shm_size: ${size}gb`,
        kubernetes: `an emptyDir {medium: Memory, sizeLimit: ${size}Gi} mounted at /dev/shm`,
      },
    ),
  ]
}

const memory = ({ inventory: { gpus, host }, model }: Symptoms): readonly Finding[] => {
  const [needed, usable] = [hostMemoryBytes(1), usableMemory(host)]
  if (gpus.length === 0 || model?.memoryBytes !== undefined || !usable || usable >= needed) return []
  return [
    odd(
      `this container may use ${formatBytes(usable)} of memory`,
      `an engine on one GPU needs about ${formatBytes(needed)}, and is killed by the kernel when it gets less`,
      moreMemory(needed),
    ),
  ]
}

/** How to give a container so many bytes, in whole GiB. */
export const moreMemory = (bytes: number): Fix => {
  const size = Math.ceil(bytes / gib(1))
  return { docker: `--memory=${size}g`, compose: `mem_limit: ${size}gb`, kubernetes: `resources: {limits: {memory: ${size}Gi}}` }
}

/** The hard limit of a row of /proc/self/limits (proc_pid_limits(5)); undefined when there is none to read. */
const hardLimit = (limits: string | undefined, name: string): number | undefined => {
  const value = new RegExp(`^${name}\\s+\\S+\\s+(\\d+|unlimited)`, 'm').exec(limits ?? '')?.[1]
  if (value === undefined) return undefined
  return value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value)
}

/** What vLLM raises its own soft limit to at its start (set_ulimit). */
const filesWanted = 65_535

const openFiles = (limits: string | undefined): readonly Finding[] => {
  const files = hardLimit(limits, 'Max open files')
  if (files === undefined || files >= filesWanted) return []
  return [
    odd(`at most ${files} files may be open (nofile)`, `vLLM wants ${filesWanted}: each connection is one, and many clients use them up`, {
      docker: `--ulimit nofile=${filesWanted}:${filesWanted}`,
      compose: `ulimits: {nofile: ${filesWanted}}`,
      kubernetes: `LimitNOFILE=${filesWanted} in the container runtime's unit on the node (a pod cannot set it)`,
    }),
  ]
}

const lockedMemory = ({ limits, inventory: { gpus } }: Symptoms): readonly Finding[] => {
  const bytes = hardLimit(limits, 'Max locked memory')
  if (gpus.length < 2 || bytes === undefined || bytes === Number.POSITIVE_INFINITY) return []
  return [
    odd(
      `at most ${formatBytes(bytes)} may be locked in memory (memlock)`,
      'RDMA between nodes pins its buffers; one node alone does not need it',
      {
        docker: '--ulimit memlock=-1',
        compose: 'ulimits: {memlock: -1}',
        kubernetes: "LimitMEMLOCK=infinity in the container runtime's unit on the node (a pod cannot set it)",
      },
    ),
  ]
}

// AMD's system tuning guides for Instinct: the GPU may stall while the kernel unmaps pages to see who uses them.
const numaBalancing = ({ inventory: { gpus, host } }: Symptoms): readonly Finding[] =>
  gpus.length === 0 || host.numaBalancing !== true
    ? []
    : [
        odd(
          'the kernel balances memory between NUMA nodes (kernel.numa_balancing is not 0)',
          'it unmaps pages to see who uses them, and GPUs that use them stall meanwhile',
          'sysctl -w kernel.numa_balancing=0 on the host: it holds for the whole machine, and no container can set it',
        ),
      ]
