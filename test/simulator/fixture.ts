import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../stage/ports.ts'

/** The simulator as a command, from source. */
export const simulator = [process.execPath, join(import.meta.dirname, '../../src/main.ts'), 'simulator']

// Three processes a start, each of which would strip the same types again.
const compileCache = join(tmpdir(), 'aim-simulator-compile-cache')

/** The environment to start the simulator in. */
export const environment: Readonly<Record<string, string | undefined>> = { ...process.env, NODE_COMPILE_CACHE: compileCache }

/** A weight file of one tensor of `bytes` bytes. */
export const safetensors = (bytes: number): Buffer => {
  const header = Buffer.from(JSON.stringify({ weight: { dtype: 'U8', shape: [bytes], data_offsets: [0, bytes] } }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, Buffer.alloc(bytes)])
}

/** A directory with these files that goes when the block ends. */
export const directory = async (files: Readonly<Record<string, string | Buffer>>): Promise<AsyncDisposable & { readonly path: string }> => {
  const path = await mkdtemp(join(tmpdir(), 'aim-simulator-'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** The files of a model of two shards. */
export const modelFiles = (config: object = {}): Readonly<Record<string, string | Buffer>> => ({
  'config.json': JSON.stringify({ architectures: ['LlamaForCausalLM'], max_position_embeddings: 2048, hidden_size: 8, ...config }),
  'model-00001-of-00002.safetensors': safetensors(64),
  'model-00002-of-00002.safetensors': safetensors(32),
})

/** A TCP port that nobody listens on now. */
export const freePort = async (): Promise<number> => (await freePorts(1))[0] ?? 0
