import { readFileSync } from 'node:fs'
import { processTable } from '../../src/supervisor/proc.ts'
import { until } from '../stage/until.ts'
import type { KubeObject } from './manifest.ts'
import type { Cluster } from './start.ts'

/** How a container ended, as the kubelet reports it. */
export type Terminated = { readonly exitCode: number; readonly message?: string; readonly reason?: string }

/** A pod as far as the tests look into its status; the first container is ours. */
export type Pod = {
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly status: {
    readonly podIP?: string
    readonly phase: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly {
      readonly restartCount: number
      readonly ready: boolean
      readonly started?: boolean
      readonly state: { readonly terminated?: Terminated }
      readonly lastState: { readonly terminated?: Terminated }
    }[]
  }
}

/** Creates or changes objects, strictly: an unknown field is an error. */
export const apply = ({ kubectl }: Cluster, objects: readonly (KubeObject | object)[]): Promise<string> =>
  kubectl(['apply', '--validate=strict', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))

/** A pod by its name. */
export const readPod = async ({ read }: Cluster, name: string): Promise<Pod> => (await read('get', 'pod', name)) as Pod

/** Waits until a pod's container has ended for good. */
export const terminated = (cluster: Cluster, name: string): Promise<Terminated> =>
  until(`the end of ${name}`, async () => (await readPod(cluster, name)).status.containerStatuses?.[0]?.state.terminated, 180_000)

/** Waits until the kubelet says that a pod is ready. */
export const readyPod = (cluster: Cluster, name: string): Promise<Pod> =>
  until(
    `${name} ready`,
    async () => {
      const pod = await readPod(cluster, name)
      return pod.status.containerStatuses?.[0]?.ready ? pod : undefined
    },
    240_000,
  )

/** Notes every exit code that the status of pods with this label shows from now on, also of one that is deleted with it. */
export const watchExitCodes = ({ follow }: Cluster, label: string): { readonly stop: () => readonly string[] } => {
  let text = ''
  const path = 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}{"\\n"}'
  const child = follow(['get', 'pods', '-l', label, '--watch', '-o', path], (more) => {
    text += more
  })
  return {
    stop: () => {
      child.kill()
      return [...new Set(text.split('\n').filter(Boolean))]
    },
  }
}

/** The host's pid of a process of a pod by the beginning of its name. */
export const processOf = (pod: Pod, name: string): Promise<number> =>
  until(`${name} of ${pod.metadata.name}`, () => processTable().find((entry) => entry.name.startsWith(name) && isOf(pod, entry.pid))?.pid)

/** Pods are told by their control groups, which bear their uid. */
const isOf = ({ metadata }: Pod, pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`pod${metadata.uid}`)
  } catch {
    return false
  }
}
