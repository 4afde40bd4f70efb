/** Our cache and our test hub against the real huggingface_hub: what we fill it reads, and it can fill from the hub we test with. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { execa } from 'execa'
import { locate, snapshotFiles } from '../../src/cache/locate.ts'
import type { Hub } from '../../src/cache/types.ts'
import { ensurePeer } from '../engines/peers.ts'
import { buildModel } from '../hub/model.ts'
import { startHub, type TestHub } from '../hub/server.ts'
import { globCases } from './glob-cases.ts'
import { pullRepo, scratch } from './setup.ts'

const versions = ['1.33.0', '2.0.0'] as const

let directory: string
let server: TestHub
let hub: Hub

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'aim-peers-'))
  await buildModel(join(directory, 'm'), { megabytes: 30, shards: 3 })
  await buildModel(join(directory, 'e'), { architecture: 'embedding', megabytes: 12, shards: 1 })
  server = await startHub({
    repos: { 'org/m': { directory: join(directory, 'm') }, 'org/e': { directory: join(directory, 'e') } },
    smallFiles: 'redirect',
    pageSize: 5,
  })
  hub = { endpoint: server.url, token: 'hf_valid' }
})

after(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

/** Programs of one version of huggingface_hub, with a cache and a home of their own. */
const clientOf = async (t: TestContext, version: string, cacheDir: string) => {
  const { python, hf } = await ensurePeer('huggingface_hub', version)
  const env = {
    HF_ENDPOINT: server.url,
    HF_HUB_CACHE: cacheDir,
    HF_HOME: await scratch(t),
    HF_TOKEN: 'hf_valid',
    NO_COLOR: '1',
    HF_HUB_DISABLE_TELEMETRY: '1',
  }
  const run = async (program: string, args: readonly string[], more: Record<string, string>) => {
    const { stdout, stderr, exitCode } = await execa(program, args, { env: { ...env, ...more }, reject: false })
    return { stdout, stderr, exitCode }
  }
  return {
    python: (script: string, more: Record<string, string> = {}) => run(python, ['-c', `from huggingface_hub import *\n${script}`], more),
    hf: (args: readonly string[], more: Record<string, string> = {}) => run(hf, args, more),
  }
}

const offline = { HF_HUB_OFFLINE: '1', HF_ENDPOINT: 'http://127.0.0.1:1' }

const assertSameFiles = async (path: string, original: string): Promise<void> => {
  assert.deepEqual(snapshotFiles(path), snapshotFiles(original))
  for (const { path: name } of snapshotFiles(original))
    assert.ok((await readFile(join(path, name))).equals(await readFile(join(original, name))), name)
}

for (const version of versions) {
  test(`huggingface_hub ${version} finds what we pulled, offline, by id, by commit, file by file and as vLLM asks`, async (t) => {
    const cacheDir = await scratch(t)
    const { commit, path } = await pullRepo(hub, cacheDir)
    const client = await clientOf(t, version, cacheDir)
    const calls = [
      'print(snapshot_download("org/m"))',
      `print(snapshot_download("org/m", revision="${commit}"))`,
      'print(snapshot_download("org/m", local_files_only=True, ignore_patterns="*"))',
      'import os; print(os.path.dirname(hf_hub_download("org/m", "model.safetensors.index.json")))',
      'import os; print(os.path.dirname(try_to_load_from_cache("org/m", "config.json")))',
    ]
    for (const call of calls) {
      const { stdout, stderr } = await client.python(call, offline)
      assert.equal(stdout, path, `${call}\n${stderr}`)
    }
    await assertSameFiles(path, join(directory, 'm'))
  })

  test(`huggingface_hub ${version} finds a commit that we pulled without its branch`, async (t) => {
    const cacheDir = await scratch(t)
    const { commit, path } = await pullRepo(hub, cacheDir, { revision: server.commit('org/m') })
    const client = await clientOf(t, version, cacheDir)
    assert.equal((await client.python(`print(snapshot_download("org/m", revision="${commit}"))`, offline)).stdout, path)
    const prune = await client.hf(['cache', 'prune', '--yes'])
    assert.equal(prune.exitCode, 0, prune.stderr)
    assert.deepEqual(locate(cacheDir, 'org/m', commit)?.missing, [], 'hf cache prune leaves what our ref names')
  })

  test(`hf cache verify ${version} finds our pull right, and a flipped blob wrong`, async (t) => {
    const cacheDir = await scratch(t)
    const { path } = await pullRepo(hub, cacheDir)
    const client = await clientOf(t, version, cacheDir)
    const right = await client.hf(['cache', 'verify', 'org/m'])
    assert.equal(right.exitCode, 0, right.stdout + right.stderr)
    const config = await readFile(join(path, 'config.json'))
    await writeFile(
      join(path, 'config.json'),
      config.map((byte) => byte ^ 1),
    )
    assert.notEqual((await client.hf(['cache', 'verify', 'org/m'])).exitCode, 0)
  })

  test(`hf cache ls ${version} lists our pull without a warning`, async (t) => {
    const cacheDir = await scratch(t)
    await pullRepo(hub, cacheDir)
    const client = await clientOf(t, version, cacheDir)
    const { stdout, stderr, exitCode } = await client.hf(['cache', 'ls'])
    assert.equal(exitCode, 0)
    assert.match(stdout, /model\/org\/m/)
    assert.doesNotMatch(stdout + stderr, /warn|corrupt/i)
    assert.equal((await client.python('print(len(scan_cache_dir().warnings))')).stdout, '0')
  })

  test(`huggingface_hub ${version} downloads from the test hub, and we find its snapshot whole, broken, and add to it`, async (t) => {
    const cacheDir = await scratch(t)
    const client = await clientOf(t, version, cacheDir)
    for (const [repo, folder] of [
      ['org/m', 'm'],
      ['org/e', 'e'],
    ] as const) {
      const { stdout, stderr } = await client.python(`print(snapshot_download("${repo}"))`)
      const snapshot = locate(cacheDir, repo, 'main')
      assert.deepEqual(snapshot, { repo, commit: server.commit(repo), path: stdout, missing: [] }, stderr)
      await assertSameFiles(stdout, join(directory, folder))
    }
    await truncate(join(locate(cacheDir, 'org/m', 'main')?.path ?? '', 'tokenizer.json'), 5)
    assert.deepEqual(locate(cacheDir, 'org/m', 'main')?.missing, ['tokenizer.json'])
    server.requests.length = 0
    const { path } = await pullRepo(hub, cacheDir)
    await assertSameFiles(path, join(directory, 'm'))
    assert.equal(server.requests.filter(({ url }) => url.includes('/resolve/')).length, 1, 'one file is fetched again')
    assert.equal((await client.hf(['cache', 'verify', 'org/m'])).exitCode, 0)
  })

  test(`huggingface_hub ${version} and we pull into one cache at the same time`, async (t) => {
    const cacheDir = await scratch(t)
    const client = await clientOf(t, version, cacheDir)
    const [ours, theirs] = await Promise.all([pullRepo(hub, cacheDir), client.python('print(snapshot_download("org/m"))')])
    assert.equal(theirs.stdout, ours.path, theirs.stderr)
    await assertSameFiles(ours.path, join(directory, 'm'))
    assert.equal((await client.hf(['cache', 'verify', 'org/m'])).exitCode, 0)
  })

  test(`our patterns choose what the filter of huggingface_hub ${version} chooses`, async () => {
    const script = `
import json, sys
from huggingface_hub.utils import filter_repo_objects
print(json.dumps([list(filter_repo_objects(case["takes"] + case["leaves"], allow_patterns=case["patterns"])) for case in json.loads(sys.stdin.read())]))`
    const { python } = await ensurePeer('huggingface_hub', version)
    const { stdout } = await execa(python, ['-c', script], { input: JSON.stringify(globCases) })
    assert.deepEqual(
      JSON.parse(stdout),
      globCases.map(({ takes }) => takes),
    )
  })
}

test('a copy of the cache elsewhere is as good as the cache', async (t) => {
  const cacheDir = await scratch(t)
  await pullRepo(hub, join(cacheDir, 'a'))
  await cp(join(cacheDir, 'a'), join(cacheDir, 'b'), { recursive: true, verbatimSymlinks: true })
  await rm(join(cacheDir, 'a'), { recursive: true })
  assert.deepEqual(locate(join(cacheDir, 'b'), 'org/m', 'main')?.missing, [])
  const client = await clientOf(t, '2.0.0', join(cacheDir, 'b'))
  assert.equal(
    (await client.python('print(snapshot_download("org/m"))', offline)).stdout,
    locate(join(cacheDir, 'b'), 'org/m', 'main')?.path,
  )
})
