import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { ensureApt } from '../engines/apt.ts'
import { cacheDir, makeOnce, say } from '../engines/cache.ts'
import { ensureDocker } from '../engines/docker.ts'

/** The newest line that still runs on cgroup v1 without being told to. */
const VERSION = '1.34.4'
const PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kubectl'] as const

/** Waits for its end and reaps, as the sandbox's first process has to. */
const PAUSE = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if pid, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 {
				break
			}
		}
	}
}
`

const go = async (directory: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> =>
  (await execa('go', words, { cwd: directory, env })).stdout

/** Whether this machine has a Go that builds Kubernetes, and which; undefined when it has none. */
export const goVersion = async (): Promise<string | undefined> => {
  const { stdout, failed } = await execa('go', ['env', 'GOVERSION'], { reject: false })
  const minor = Number(/^go1\.(\d+)/.exec(stdout ?? '')?.[1])
  return !failed && minor >= 24 ? stdout : undefined
}

// The published module replaces its staging folders by relative paths, which only its own repository has: each is a module of its own too.
const goMod = async (directory: string): Promise<string> => {
  const { GoMod } = JSON.parse(await go(directory, ['mod', 'download', '-json', `k8s.io/kubernetes@v${VERSION}`])) as { GoMod: string }
  const staged = [...(await readFile(GoMod, 'utf8')).matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging/gm)].map((match) => match[1])
  const replaced = staged.map((name) => `\t${name} => ${name} v0${VERSION.slice(1)}\n`).join('')
  return `module cluster\n\ngo 1.24.0\n\ngodebug default=go1.24\n\nrequire k8s.io/kubernetes v${VERSION}\n\nreplace (\n${replaced})\n`
}

const build = async (directory: string): Promise<void> => {
  say(`building Kubernetes ${VERSION} from Go modules into ${directory} (6 to 12 minutes on two cores)`)
  const source = join(directory, 'source')
  await mkdir(join(source, 'pause'), { recursive: true })
  await writeFile(join(source, 'go.mod'), 'module cluster\n\ngo 1.24.0\n')
  await writeFile(join(source, 'go.mod'), await goMod(source))
  await writeFile(join(source, 'pause/main.go'), PAUSE)
  const [major, minor] = VERSION.split('.')
  const stamp = Object.entries({ gitVersion: `v${VERSION}`, gitMajor: major, gitMinor: minor })
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(' ')
  const packages = PROGRAMS.map((name) => `k8s.io/kubernetes/cmd/${name}`)
  await go(source, ['build', '-mod=mod', '-ldflags', `-s -w ${stamp}`, '-o', `${directory}/`, ...packages])
  await go(source, ['build', '-ldflags', '-s -w', '-o', join(directory, 'pause'), './pause'], { CGO_ENABLED: '0' })
  await rm(source, { recursive: true })
}

/**
 * A Kubernetes on this machine, built once: its programs' folder. etcd, containerd and the CNI plugins come from Debian; the programs from
 * Go modules, since there is no image registry to pull them from.
 */
export const ensureKubernetes = async (root = cacheDir()): Promise<string> => {
  await ensureDocker()
  await ensureApt('etcd-server', 'containerd', 'containernetworking-plugins', 'iptables')
  const directory = join(root, `kubernetes-${VERSION}`)
  await makeOnce(directory, `kubernetes ${VERSION} ${PROGRAMS.join(' ')} pause 1`, () => build(directory))
  return directory
}

if (import.meta.main) console.log(await ensureKubernetes())
