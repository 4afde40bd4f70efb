import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { listRepo } from '../../src/cache/hub.ts'
import { type PullJob, pull } from '../../src/cache/pull.ts'
import { standardTransfer, type Transfer } from '../../src/cache/retry.ts'
import type { Hub, PullProgress } from '../../src/cache/types.ts'
import type { HubOptions } from '../hub/exchange.ts'
import { startHub, type TestHub } from '../hub/server.ts'

/** The standard policy with waits, sizes and patience of a test. */
export const quick: Transfer = {
  ...standardTransfer,
  attempts: 4,
  baseMs: 1,
  capMs: 4,
  wholeBelowBytes: 1000,
  rangeBytes: 400_000,
  progressBytes: 1000,
}

/** A directory that goes with the test. */
export const scratch = async (t: TestContext): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'aim-cache-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A hub that goes with the test, and a caller with a valid token. */
export const serve = async (t: TestContext, options: HubOptions): Promise<{ server: TestHub; hub: Hub }> => {
  const server = await startHub(options)
  t.after(() => server.close())
  return { server, hub: { endpoint: server.url, token: 'hf_valid' } }
}

/** Bytes that differ from place to place, so that a piece in the wrong place shows. */
export const patterned = (bytes: number): Buffer =>
  Buffer.from(Uint32Array.from({ length: Math.ceil(bytes / 4) }, (_, index) => index).buffer).subarray(0, bytes)

/** A small model repository with LFS files, files in git, an empty one and directories. */
export const files: Readonly<Record<string, string | Buffer>> = {
  'README.md': '---\nlicense: mit\n---\n',
  'config.json': '{"architectures":["LlamaForCausalLM"]}',
  'empty.txt': '',
  'model-00001-of-00002.safetensors': patterned(1_000_003),
  'model-00002-of-00002.safetensors': patterned(70_001),
  'model.safetensors.index.json': JSON.stringify({
    weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
  }),
  'onnx/weights/model.onnx': patterned(5000),
  'same.json': '{"architectures":["LlamaForCausalLM"]}',
}

/** Lists `org/m` and pulls it quickly. */
export const pullRepo = async (hub: Hub, cacheDir: string, job: Partial<PullJob> & { revision?: string } = {}) => {
  const { revision = 'main', ...rest } = job
  const listing = await listRepo(hub, 'org/m', revision, undefined, quick)
  return pull({ hub, listing, patterns: [], cacheDir, transfer: quick, ...rest })
}

/** Every file name below a directory that a finished pull must not leave. */
export const partsBelow = async (directory: string): Promise<readonly string[]> =>
  (await readdir(directory, { recursive: true }).catch(() => [])).filter((name) => /\.aim-part$|\.tmp$|\.incomplete$/.test(name))

/** Collects what a pull tells of itself. */
export const listener = (): { readonly seen: PullProgress[]; readonly onProgress: (progress: PullProgress) => void } => {
  const seen: PullProgress[] = []
  return { seen, onProgress: (progress) => void seen.push(progress) }
}
