/** Edge: a second host for a bench, which is a network namespace at the end of a long way. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const address = { here: '10.77.0.1', there: '10.77.0.2' }

/** The devices of the long way there, and of the short way back. */
const way = { out: 'aim-out', in: 'aim-in' }
const back = 'aim-back'

const run = (command: string, enter: readonly string[] = []): void => {
  const [program = '', ...rest] = [...enter, ...command.split(' ')]
  execFileSync(program, rest, { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** A host that is far away. */
export type FarHost = {
  readonly address: string
  /** Words before a command that make it run there. */
  readonly enter: readonly string[]
  readonly close: () => void
}

/** Links this network namespace, which should be one of our own, to a new one, so that what is sent there arrives later by `roundTripMs`. Wants root. */
export const startFarHost = async (roundTripMs: number): Promise<FarHost> => {
  const holder = spawn('unshare', ['-n', 'sh', '-c', 'echo ready; exec sleep infinity'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const delay = spawn(process.execPath, [join(import.meta.dirname, 'delay.ts'), way.out, way.in, String(roundTripMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  })
  const close = (): void => void [holder, delay].map((child) => child.kill('SIGKILL'))
  try {
    for (const child of [holder, delay]) {
      const [said] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
      if (String(said) !== 'ready\n') throw new Error('cannot make a second network namespace: the kernel refuses it to this user')
    }
    const there = String(holder.pid)
    const enter = ['nsenter', '-t', there, '-n'] as const
    run('ip link set lo up')
    run(`ip link add ${back} type veth peer name ${back} netns ${there}`)
    run(`ip link set ${way.in} netns ${there}`)
    run(`ip address add ${address.here}/24 dev ${back}`)
    for (const device of [back, way.out]) run(`ip link set ${device} up`)
    run(`ip route add ${address.there} dev ${way.out} src ${address.here}`)
    run(`ip address add ${address.there}/24 dev ${back}`, enter)
    for (const device of ['lo', back, way.in]) run(`ip link set ${device} up`, enter)
    // What is sent comes in by another device than the answer goes out by (linux/Documentation/networking/ip-sysctl.rst, rp_filter).
    for (const device of ['all', back]) run(`sysctl -qw net.ipv4.conf.${device}.rp_filter=0`)
    for (const device of ['all', way.in]) run(`sysctl -qw net.ipv4.conf.${device}.rp_filter=0`, enter)
    return { address: address.there, enter, close }
  } catch (error) {
    close()
    throw error
  }
}
