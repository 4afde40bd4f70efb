/** Edge: who this process is, and whether another on the same machine still lives. */
import { readFileSync, readlinkSync } from 'node:fs'

const attempt = (read: () => string): string => {
  try {
    return read()
  } catch {
    return ''
  }
}

/** This boot of this machine; empty where the kernel does not say. */
export const bootId = (): string => attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')).trim()

// The boot and the namespace of process ids: within both a pid means the same to everybody, beyond them it means nothing.
const machine = (): string => `${bootId()}/${attempt(() => readlinkSync('/proc/self/ns/pid'))}`

/** State and start time of a process (proc(5), `stat`: fields 3 and 22); the name in field 2 may hold spaces and brackets. */
const statusOf = (pid: string): { readonly state: string; readonly started: string } => {
  const fields = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
    .replace(/^.*\) /s, '')
    .split(' ')
  return { state: fields[0] ?? '', started: fields[19] ?? '' }
}

/** This process in a form that `isDead` can judge: boot id, PID namespace, pid, start time. */
export const ownerOfThis = (): string => `${machine()}/${process.pid}/${statusOf(String(process.pid)).started}`

/** Whether an owner is known to have ended. False when it cannot be known: it runs elsewhere, or in another container. */
export const isDead = (owner: string): boolean => {
  const here = machine()
  if (!owner.startsWith(`${here}/`) || here.startsWith('/') || here.endsWith('/')) return false
  const [pid = '', started = ''] = owner.slice(here.length + 1).split('/')
  const found = statusOf(pid)
  return /^\d+$/.test(pid) && (found.started !== started || found.state === 'Z' || found.state === 'X')
}
