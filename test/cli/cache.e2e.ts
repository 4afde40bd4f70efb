/** `aim cache` as a person and a script use it, on a hub of ours; needs no GPU. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { execa } from 'execa'
import { takeLease } from '../../src/cache/lease.ts'
import { holdSnapshot } from '../../src/cache/use.ts'
import { files, patterned } from '../cache/setup.ts'
import { startHub, type TestHub } from '../hub/server.ts'
import { aimCommand, bareEnvironment } from '../stage/aim.ts'

describe('aim cache', () => {
  let hub: TestHub
  let directory: string
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'aim-cache-cli-'))
    hub = await startHub({
      repos: { 'org/m': { files }, 'org/n': { files: { 'config.json': '{}', 'model.safetensors': patterned(300_000) } } },
    })
  })
  after(async () => {
    await hub.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const aim = async (cache: string, words: readonly string[], input?: Buffer) => {
    const [file, ...rest] = aimCommand
    const env = { ...bareEnvironment(), HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(directory, cache), HF_TOKEN: 'hf_valid' }
    const { exitCode, stdout, stderr } = await execa(file, [...rest, 'cache', ...words], {
      env,
      extendEnv: false,
      reject: false,
      encoding: 'buffer',
      ...(input === undefined ? {} : { input }),
    })
    return { code: exitCode, stdout: Buffer.from(stdout), text: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString() }
  }
  const json = async (cache: string, words: readonly string[]) => {
    const run = await aim(cache, [...words, '--format', 'json'])
    return { ...run, value: JSON.parse(run.text) }
  }

  test('pull fetches, prints the path and tells how far it is; a second one asks nobody', async () => {
    const pulled = await aim('a', ['pull', 'org/m'])
    assert.equal(pulled.code, 0, pulled.stderr)
    const path = join(directory, 'a/models--org--m/snapshots', hub.commit('org/m'))
    assert.equal(pulled.text, path)
    assert.match(pulled.stderr, /^org\/m: 100 % 1\.0 MiB of 1\.0 MiB/m)
    hub.requests.length = 0
    const again = await json('a', ['pull', 'org/m'])
    assert.deepEqual(again.value, { model: 'org/m', commit: hub.commit('org/m'), path, fetched: false })
    assert.equal(hub.requests.length, 0)
    assert.equal((await aim('a', ['path', 'org/m'])).text, path)
  })

  test('a pull of all goes on where one of some files stopped', async () => {
    const some = await aim('some', ['pull', 'org/m', '--include', '*.json'])
    assert.equal(some.code, 0, some.stderr)
    hub.requests.length = 0
    assert.equal((await aim('some', ['pull', 'org/m', '--include', 'config.json'])).text, some.text)
    assert.equal(hub.requests.length, 0)
    assert.equal((await aim('some', ['pull', 'org/m'])).text, some.text)
    for (const [name, content] of Object.entries(files)) assert.ok(readFileSync(join(some.text, name)).equals(Buffer.from(content)), name)
  })

  test('path of what is not there is 78 and says how to get it', async () => {
    const { code, text, stderr } = await aim('none', ['path', 'org/m'])
    assert.equal(code, 78)
    assert.equal(text, '')
    assert.match(stderr, /does not hold org\/m at main\n {2}fix: aim cache pull org\/m/)
  })

  test('ls lists revisions with sizes and what is missing', async () => {
    await aim('b', ['pull', 'org/m'])
    await aim('b', ['pull', 'org/n', '--include', '*.json'])
    const { value } = await json('b', ['ls'])
    assert.deepEqual(
      value.models.map(({ repo, revisions }: { repo: string; revisions: { refs: string[]; missing: string[] }[] }) => [
        repo,
        revisions[0]?.refs,
        revisions[0]?.missing,
      ]),
      [
        ['org/m', ['main'], []],
        ['org/n', ['main'], []],
      ],
    )
    assert.match((await aim('b', ['ls'])).text, /^org\/m +[0-9a-f]{12} +main +8 +1\.0 MiB +\d{4}-\d\d-\d\d +whole$/m)
    assert.match((await aim('none', ['ls'])).text, /holds no model/)
  })

  test('verify finds a flipped byte only when it reads deep, exits 74, and repairs it', async () => {
    const { value } = await json('c', ['pull', 'org/m'])
    const config = join(value.path, 'config.json')
    const right = readFileSync(config)
    writeFileSync(
      config,
      right.map((byte, index) => (index === 3 ? byte ^ 1 : byte)),
    )
    assert.equal((await aim('c', ['verify'])).code, 0)
    const deep = await json('c', ['verify', 'org/m', '--deep'])
    assert.equal(deep.code, 74)
    assert.equal(deep.value[0].wrong.length, 1)
    const repaired = await aim('c', ['verify', '--deep', '--repair'])
    assert.equal(repaired.code, 0, repaired.stderr)
    assert.ok(readFileSync(config).equals(right))
  })

  test('prune removes by name and by size, spares what is in use, and says what it would do when dry', async () => {
    const { value } = await json('d', ['pull', 'org/m'])
    await aim('d', ['pull', 'org/n'])
    const cacheDir = join(directory, 'd')
    const release = await holdSnapshot(cacheDir, 'org/m', value.commit)
    const claims = join(cacheDir, 'models--org--m/.aim/claims')
    assert.equal(readdirSync(claims).filter((name) => name.startsWith('use-')).length, 1)
    const dry = await json('d', ['prune', 'org/n', '--revision', 'main', '--dry-run'])
    assert.equal(dry.value.removals.length, 1)
    assert.equal((await json('d', ['ls'])).value.models.length, 2)
    const gone = await json('d', ['prune', 'org/n', '--revision', 'main'])
    assert.equal(gone.value.removals[0].freedBytes, 300_002)
    assert.deepEqual(
      (await json('d', ['ls'])).value.models.map(({ repo }: { repo: string }) => repo),
      ['org/m'],
    )
    const kept = await json('d', ['prune', '--max-size', '0'])
    assert.deepEqual(kept.value.removals, [])
    assert.match(kept.value.spared[0].because, /a live lease uses it/)
    await release()
    assert.equal((await json('d', ['prune', '--max-size', '0'])).value.removals.length, 1)
    assert.deepEqual((await json('d', ['ls'])).value.models, [])
    assert.deepEqual(
      readdirSync(cacheDir).filter((name) => name.startsWith('models--')),
      [],
    )
    assert.equal((await aim('d', ['prune', '--max-size', 'much'])).code, 2)
  })

  test('prune removes parts and claims of processes that have ended', async () => {
    const { value } = await json('e', ['pull', 'org/m'])
    const repo = join(directory, 'e/models--org--m')
    const etag = 'e'.repeat(64)
    writeFileSync(join(repo, `blobs/${etag}.dead.aim-part`), 'x')
    const here = `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`
    const dead = await takeLease(
      {
        directory: join(repo, '.aim/claims'),
        token: 'dead',
        owner: `${here}/${(await execa('readlink', ['/proc/self/ns/pid'])).stdout}/1/0`,
      },
      etag,
    )
    const pruned = await json('e', ['prune'])
    await dead?.release()
    assert.deepEqual(
      pruned.value.leftovers.map(({ name }: { name: string }) => name),
      [`${etag}.dead.aim-part`],
    )
    assert.equal((await aim('e', ['verify', '--deep'])).code, 0)
    assert.equal(value.commit, hub.commit('org/m'))
  })

  test('export and import carry a revision through a pipe, and a stream that was damaged brings nothing', async () => {
    await aim('f', ['pull', 'org/m'])
    const stream = await aim('f', ['export', 'org/m'])
    assert.equal(stream.code, 0, stream.stderr)
    const file = join(directory, 'f.tar')
    const written = await json('f', ['export', 'org/m', '--output', file])
    assert.deepEqual(written.value, { repo: 'org/m', commit: hub.commit('org/m'), output: file, bytes: stream.stdout.length })
    assert.deepEqual(readFileSync(file), stream.stdout)
    const imported = await aim('g', ['import'], stream.stdout)
    assert.equal(imported.code, 0, imported.stderr)
    hub.requests.length = 0
    assert.equal((await json('g', ['pull', 'org/m'])).value.fetched, false)
    assert.equal((await aim('g', ['verify', '--deep'])).code, 0)
    assert.equal(hub.requests.length, 0)
    const at = stream.stdout.indexOf(Buffer.from('LlamaForCausalLM'))
    const damaged = Buffer.from(stream.stdout)
    damaged[at] = 0x4d
    const refused = await aim('h', ['import'], damaged)
    assert.equal(refused.code, 78)
    assert.match(refused.stderr, /org\/m is damaged in the stream/)
    assert.deepEqual(readdirSync(join(directory, 'h/.locks')), [])
    assert.match((await aim('h', ['ls'])).text, /holds no model/)
  })

  test('aim cache alone shows its commands and exits 2', async () => {
    const { code, text } = await aim('a', [])
    assert.equal(code, 2)
    for (const name of ['pull', 'ls', 'verify', 'prune', 'export', 'import', 'path']) assert.match(text, new RegExp(`^ {2}${name} `, 'm'))
  })
})
