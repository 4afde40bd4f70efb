/** The ModelScope that we test with, asked by ModelScope's own client: what we learn from it holds for the real one. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'
import { sourceOf } from '../../src/cache/source.ts'
import { ensurePeer } from '../engines/peers.ts'
import { startModelScope } from '../modelscope/server.ts'
import { files, quick, scratch } from './setup.ts'

const script =
  'import sys\nfrom modelscope_hub.compat.snapshot_download import snapshot_download\nprint(snapshot_download("org/m", cache_dir=sys.argv[1]))'

test("ModelScope's own client gets the same files by the same calls as we do", async (t) => {
  const { python } = await ensurePeer('modelscope_hub', '0.5.1')
  const server = await startModelScope({ models: { 'org/m': files } })
  t.after(() => server.close())
  const directory = await scratch(t)
  const env = { MODELSCOPE_ENDPOINT: server.url, HOME: directory }
  const { stdout } = await execa(python, ['-c', script, join(directory, 'cache')], { env })
  const path = stdout.trim().split('\n').at(-1) ?? ''
  for (const [name, content] of Object.entries(files)) assert.ok((await readFile(join(path, name))).equals(Buffer.from(content)), name)
  const calls = (): readonly string[] => server.requests.map(({ url }) => url.replace('Recursive=True', 'Recursive=true'))
  const theirs = new Set(calls())
  server.requests.length = 0
  const source = await sourceOf({ kind: 'modelscope', endpoint: server.url })
  const listing = await source.list('modelscope://org/m', 'main', undefined, quick)
  assert.ok(calls().every((call) => theirs.has(call)))
  for (const file of listing.files) {
    const { url } = await source.address(listing, file)
    assert.ok(theirs.has(url.slice(server.url.length)), url)
  }
})
