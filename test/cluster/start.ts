import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { processTable } from '../../src/supervisor/proc.ts'
import { cacheDir } from '../engines/cache.ts'
import { freePorts } from '../stage/ports.ts'
import { Hopeless, until } from '../stage/until.ts'
import { containerdConfig, kubeconfig, kubeletConfiguration, network, ranges } from './files.ts'
import { ensureKubernetes } from './install.ts'

const BRIDGE = 'aimtest0'
const TOKEN = 'test-only'
const NODE = 'test-node'

/** A running cluster of one node. */
export type Cluster = AsyncDisposable & {
  /** kubectl with these words, and text on its standard input. */
  readonly kubectl: (words: readonly string[], input?: string) => Promise<string>
  /** The parsed object that kubectl gives for these words. */
  readonly read: (...words: readonly string[]) => Promise<unknown>
  /** The same, running on: for a watch. */
  readonly follow: (words: readonly string[], onText: (text: string) => void) => ChildProcess
  /** Takes an image over from Docker. */
  readonly load: (image: string) => Promise<void>
  /** Address of this machine as pods see it. */
  readonly host: string
  /** Name of the one node. */
  readonly node: string
}

type Part = { readonly name: string; readonly child: ChildProcess; readonly log: string }

const launch = (directory: string, name: string, file: string, words: readonly string[]): Part => {
  const log = join(directory, `${name}.log`)
  const out = openSync(log, 'a')
  return { name, log, child: spawn(file, words, { stdio: ['ignore', out, out], cwd: directory }) }
}

const tail = async ({ name, log }: Part): Promise<string> =>
  `${name}:\n${(await readFile(log, 'utf8')).trimEnd().split('\n').slice(-8).join('\n')}`

/** Waits for what a part brings about; a part that ended is told with its last lines. */
const untilUp = (part: Part, what: string, look: () => Promise<boolean>): Promise<true> =>
  until(
    what,
    async () => {
      if (part.child.exitCode !== null) throw new Hopeless(`ended with ${part.child.exitCode}, ${await tail(part)}`)
      return (await look()) || undefined
    },
    120_000,
  ).catch(async (error: unknown) => {
    throw new Error(`${what}: ${String(error)}\n${await tail(part)}`, { cause: error })
  })

const succeeds = async (file: string, words: readonly string[]): Promise<boolean> => !(await execa(file, words, { reject: false })).failed

/** Ends a part and waits; SIGKILL after ten seconds. */
const end = async ({ child }: Part): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(late)
}

/** containerd's shims outlive it by design, and with them the containers. */
const endShims = async (directory: string): Promise<void> => {
  for (const { pid, name } of processTable()) {
    if (!name.startsWith('containerd-shim')) continue
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (words.includes(directory)) process.kill(pid, 'SIGKILL')
  }
}

/** The kubelet's groups of pods, which are empty by now, in each hierarchy. */
const removeGroups = async (): Promise<void> => {
  const found = await execa('find', ['/sys/fs/cgroup', '-depth', '-type', 'd', '-path', '*/kubepods*'], { reject: false })
  for (const group of found.stdout.split('\n').filter(Boolean)) await rmdir(group).catch(() => undefined)
}

/** Every mount below the directory, deepest first. */
const unmountBelow = async (directory: string): Promise<void> => {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '')
  for (const mount of mounts.filter((path) => path.startsWith(`${directory}/`)).reverse()) await succeeds('umount', ['-l', mount])
}

/** A cluster on this machine; Kubernetes is built first where it is not there yet. */
export const openCluster = async (): Promise<Cluster> => startCluster(await ensureKubernetes())

/** Starts etcd, the control plane, a containerd and a kubelet, all in one directory that goes with them. */
const startCluster = async (programs: string): Promise<Cluster> => {
  const directory = await mkdtemp(join(cacheDir(), 'cluster-'))
  const parts: Part[] = []
  const run = (name: string, file: string, words: readonly string[]): Part => {
    const part = launch(directory, name, file, words)
    parts.push(part)
    return part
  }
  const at = (...names: readonly string[]): string => join(directory, ...names)
  const program = (name: string): string => join(programs, name)
  const stop = async (): Promise<void> => {
    for (const part of parts.reverse()) await end(part)
    await endShims(directory)
    await unmountBelow(directory)
    await removeGroups()
    await succeeds('ip', ['link', 'delete', BRIDGE])
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const [etcdPort = 0, etcdPeer = 0, port = 0, kubeletPort = 0, controllerPort = 0, schedulerPort = 0] = await freePorts(6)
    const config = at('kubeconfig')
    const kubectl: Cluster['kubectl'] = async (words, input) =>
      (await execa(program('kubectl'), ['--kubeconfig', config, ...words], input === undefined ? {} : { input })).stdout
    await writeFile(config, kubeconfig(port, TOKEN))
    await writeFile(at('tokens'), `${TOKEN},admin,1,"system:masters"\n`)
    await execa('openssl', ['genrsa', '-out', at('account.key'), '2048'])
    const etcd = run('etcd', 'etcd', [
      `--data-dir=${at('etcd')}`,
      `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
      `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
      `--listen-peer-urls=http://127.0.0.1:${etcdPeer}`,
      '--unsafe-no-fsync',
    ])
    const server = run('kube-apiserver', program('kube-apiserver'), [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      `--cert-dir=${at('certificates')}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      `--service-cluster-ip-range=${ranges.services}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${at('account.key')}`,
      `--service-account-signing-key-file=${at('account.key')}`,
      `--token-auth-file=${at('tokens')}`,
      '--authorization-mode=RBAC',
      '--allow-privileged=true',
    ])
    await mkdir(at('containerd', 'cni'), { recursive: true })
    await writeFile(at('containerd', 'config.toml'), containerdConfig(at('containerd')))
    await writeFile(at('containerd', 'cni', 'aim.conflist'), network(BRIDGE))
    const socket = at('containerd', 'containerd.sock')
    const containerd = run('containerd', 'containerd', ['--config', at('containerd', 'config.toml')])
    const ctr = async (...words: readonly string[]): Promise<string> =>
      (await execa('ctr', ['--address', socket, '--namespace', 'k8s.io', ...words])).stdout
    const load = async (image: string): Promise<void> => {
      const saved = execa('docker', ['save', image], { buffer: false })
      await saved.pipe('ctr', ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', '-'])
    }
    await untilUp(containerd, 'containerd answers', () => succeeds('ctr', ['--address', socket, 'version']))
    await makePause(programs)
    await load('localhost/pause:1')
    await untilUp(etcd, 'etcd listens', async () => (await fetch(`http://127.0.0.1:${etcdPort}/health`)).ok)
    await untilUp(server, 'the API server is ready', () =>
      succeeds(program('kubectl'), ['--kubeconfig', config, 'get', '--raw', '/readyz']),
    )
    run('kube-controller-manager', program('kube-controller-manager'), [
      `--kubeconfig=${config}`,
      `--secure-port=${controllerPort}`,
      '--leader-elect=false',
      '--use-service-account-credentials=false',
      `--service-account-private-key-file=${at('account.key')}`,
      `--root-ca-file=${at('certificates', 'apiserver.crt')}`,
    ])
    run('kube-scheduler', program('kube-scheduler'), [`--kubeconfig=${config}`, `--secure-port=${schedulerPort}`, '--leader-elect=false'])
    await writeFile(at('kubelet.json'), kubeletConfiguration(socket, at('kubelet'), kubeletPort))
    const kubelet = run('kubelet', program('kubelet'), [
      `--config=${at('kubelet.json')}`,
      `--kubeconfig=${config}`,
      `--root-dir=${at('kubelet')}`,
      `--hostname-override=${NODE}`,
    ])
    await untilUp(kubelet, 'the node is ready', () =>
      succeeds(program('kubectl'), ['--kubeconfig', config, 'wait', '--for=condition=Ready', `node/${NODE}`, '--timeout=5s']),
    )
    return {
      kubectl,
      follow: (words, onText) => {
        const child = spawn(program('kubectl'), ['--kubeconfig', config, ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
        child.stdout?.setEncoding('utf8').on('data', onText)
        return child
      },
      load,
      node: NODE,
      host: ranges.gateway,
      read: async (...words) => JSON.parse(await kubectl([...words, '-o', 'json'])),
      [Symbol.asyncDispose]: async () => {
        // The kubelet itself ends what runs, as long as there is one.
        await kubectl(['delete', 'pods', '--all', '--all-namespaces', '--force', '--grace-period=0', '--ignore-not-found']).catch(() => '')
        await until('no container left', async () => ((await ctr('tasks', 'list', '-q')).trim() === '' ? true : undefined), 60_000).catch(
          () => undefined,
        )
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const makePause = async (programs: string): Promise<void> => {
  if (await succeeds('docker', ['image', 'inspect', 'localhost/pause:1'])) return
  const tar = execa('tar', ['-C', programs, '-c', 'pause'], { buffer: false })
  await tar.pipe('docker', ['import', '-c', 'ENTRYPOINT ["/pause"]', '-', 'localhost/pause:1'])
}
