/** Edge: whether /dev/kfd can be opened, asked by a process that ends right after: whoever opens it is a KFD process for life. */
import { spawn } from 'node:child_process'

/** A device in reset holds an open up for as long as the reset takes; milliseconds. */
const limitMs = 3000

/** Words of strerror(3) for what kfd_chardev.c answers. */
const codes: readonly (readonly [words: RegExp, code: string])[] = [
  [/Invalid argument/, 'EINVAL'],
  [/Operation not permitted/, 'EPERM'],
  [/Permission denied/, 'EACCES'],
  [/No such file/, 'ENOENT'],
  [/No such device or address/, 'ENXIO'],
  [/No such device/, 'ENODEV'],
  [/Cannot allocate memory/, 'ENOMEM'],
]

/** The code of the error with which a device cannot be opened, ETIMEDOUT when that hangs; undefined when it can, or when there is no sh. */
export const openError = (path = '/dev/kfd', limit = limitMs): Promise<string | undefined> =>
  new Promise((resolve) => {
    const child = spawn('sh', ['-c', ': < "$0"', path], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
    })
    let said = ''
    const end = (code: string | undefined): void => {
      clearTimeout(timer)
      // One that hangs in the kernel does not end, and is not waited for.
      child.kill('SIGKILL')
      child.stderr.destroy()
      child.unref()
      resolve(code)
    }
    const timer = setTimeout(() => end('ETIMEDOUT'), limit)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, 1000)
    })
    child.once('error', () => end(undefined))
    child.once('close', (code) => end(code === 0 ? undefined : (codes.find(([words]) => words.test(said))?.[1] ?? 'EIO')))
  })
