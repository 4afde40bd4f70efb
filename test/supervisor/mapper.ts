/** Programs that keep a file in /dev/shm mapped, as a worker of an engine does with a block of shared memory. */
import type { Program } from '../../src/supervisor/program.ts'

const open = `
  const { functions } = process.getBuiltinModule('node:ffi').dlopen(null, {
    mmap: { return: 'pointer', arguments: ['uint64', 'uint64', 'int32', 'int32', 'int32', 'int64'] },
    posix_spawn_file_actions_init: { return: 'int32', arguments: ['pointer'] },
    posix_spawn_file_actions_addopen: { return: 'int32', arguments: ['pointer', 'int32', 'string', 'int32', 'uint32'] },
    posix_spawn: { return: 'int32', arguments: ['pointer', 'string', 'pointer', 'pointer', 'pointer', 'pointer'] } })
  const [, path, fifo] = process.argv
  const file = require('node:fs').openSync(path, 'w+')
  require('node:fs').ftruncateSync(file, 4096)
  functions.mmap(0n, 4096n, 1, 1, file, 0n)
  require('node:fs').writeSync(1, 'mapped\\n')`

const stay = 'setInterval(() => undefined, 1000)'

// posix_spawn holds its caller in the kernel until its child has opened the files of the program, and a FIFO without a writer is never opened.
const hang = `
  const actions = Buffer.alloc(256), none = Buffer.alloc(8)
  functions.posix_spawn_file_actions_init(actions)
  functions.posix_spawn_file_actions_addopen(actions, 0, fifo, 0, 0)
  functions.posix_spawn(Buffer.alloc(8), '/bin/true', actions, 0n, none, none)`

const node = (script: string, ...words: readonly string[]): Program => ({
  file: process.execPath,
  arguments: ['--no-warnings', '-e', `${open}\n${script}`, ...words],
  environment: {},
  directory: '/',
})

/** Makes and maps the file, says `mapped` and stays. */
export const mapper = (path: string): Program => node(stay, path)

/** The same, and hangs in the kernel (state `D`) then; its one child waits at the FIFO, with the same memory. */
export const hangingMapper = (path: string, fifo: string): Program => node(hang, path, fifo)

let serial = 0

/** A name in /dev/shm as Python gives its blocks. */
export const block = (): string => `/dev/shm/psm_test_${process.pid}_${serial++}`
