/** Volumes as clusters have them, by real mounts and real users: what cannot hold a cache is refused in a sentence, and what is there stays whole. */
import assert from 'node:assert/strict'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { execa } from 'execa'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { ensureApt } from '../engines/apt.ts'
import { startMoto } from '../engines/stores.ts'
import { startHub, type TestHub } from '../hub/server.ts'
import { bareEnvironment } from '../stage/aim.ts'
import { files, patterned } from './setup.ts'

const main = join(import.meta.dirname, '../../src/main.ts')
const big = 3 * 1024 ** 2

let hub: TestHub

before(async () => {
  assert.equal(process.getuid?.(), 0, 'volumes are mounted and users changed here: run this suite as root')
  await ensureApt('btrfs-progs', 'rclone', 'strace', 'fuse3')
  hub = await startHub({
    repos: { 'org/m': { files }, 'org/big': { files: { 'config.json': '{}', 'model.safetensors': patterned(big) } } },
  })
})

after(() => hub.close())

/** A directory that other users may enter, gone with the test. */
const place = async (t: TestContext): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'aim-volume-'))
  await chmod(directory, 0o755)
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** The same with something mounted on it, until the end of the test. */
const mounted = async (t: TestContext, words: readonly string[], unmount: readonly string[] = ['umount']): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'aim-volume-'))
  const [file = '', ...rest] = words
  await execa(file, [...rest.map((word) => (word === 'HERE' ? directory : word))], { env: { AWS_CA_BUNDLE: undefined } })
  t.after(async () => {
    const [program = '', ...given] = unmount
    await execa(program, [...given, directory])
    await rm(directory, { recursive: true })
  })
  return directory
}

const mount = (t: TestContext, words: readonly string[]): Promise<string> => mounted(t, ['mount', ...words, 'HERE'])

type As = { readonly prefix?: readonly string[]; readonly umask?: string; readonly env?: Readonly<Record<string, string>> }

const aim = async (cache: string, words: readonly string[], { prefix = [], umask = '022', env = {} }: As = {}) => {
  const own = { ...bareEnvironment(), HOME: '/nonexistent', HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache, HF_TOKEN: 'hf_valid', ...env }
  const command = ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh', ...prefix, process.execPath, main, 'cache', ...words]
  const [file = '', ...rest] = command
  const { exitCode, stdout, stderr } = await execa(file, rest, { env: own, extendEnv: false, reject: false })
  return { code: exitCode, stdout, stderr: stderr.slice(Math.max(0, stderr.indexOf('aim: '))) }
}

const asUser = (uid: number, gid = uid): readonly string[] => ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']

const isWhole = async (path: string): Promise<void> => {
  for (const [name, content] of Object.entries(files)) assert.ok((await readFile(join(path, name))).equals(Buffer.from(content)), name)
}

const partsIn = async (cache: string): Promise<readonly string[]> =>
  (await readdir(cache, { recursive: true })).filter((name) => /aim-part|\.tmp$|blobs\/[0-9a-f]{40,}/.test(name))

test('a volume that is too small is refused before the first byte, with the numbers', async (t) => {
  const cache = await mount(t, ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs'])
  hub.requests.length = 0
  const { code, stderr } = await aim(cache, ['pull', 'org/big'])
  assert.equal(code, exitCodes.storage, stderr)
  assert.match(
    stderr,
    /^aim: cannot pull 'org\/big': 3\.0 MiB are missing and .* has (?:1\.\d|2\.0) MiB free\n {2}fix: free 1\.\d MiB there, or mount a larger volume$/,
  )
  assert.deepEqual(
    hub.requests.filter(({ url }) => url.includes('safetensors')),
    [],
  )
  assert.deepEqual(await partsIn(cache), [])
})

test('a quota that is used up ends with 74, leaves no part, and what was there before stays', async (t) => {
  const image = join(await place(t), 'image')
  await truncate(image, 200 * 1024 ** 2).catch(async () => execa('truncate', ['-s', '200M', image]))
  await execa('mkfs.btrfs', ['-q', image])
  const volume = await mount(t, ['-o', 'loop', image])
  await execa('btrfs', ['quota', 'enable', volume])
  await execa('btrfs', ['subvolume', 'create', join(volume, 'hub')])
  const cache = join(volume, 'hub')
  const before = await aim(cache, ['pull', 'org/m'])
  assert.equal(before.code, 0, before.stderr)
  await execa('sync', ['-f', volume])
  await execa('btrfs', ['qgroup', 'limit', '2560K', cache])
  const { code, stderr } = await aim(cache, ['pull', 'org/big'])
  assert.equal(code, exitCodes.storage, stderr)
  assert.match(
    stderr,
    /^aim: cannot store 'org\/big' in .*: the quota is used up \(EDQUOT\)\n {2}fix: free space or ask for a larger quota$/,
  )
  assert.deepEqual(
    (await partsIn(cache)).filter((name) => name.includes('aim-part')),
    [],
  )
  await isWhole((await aim(cache, ['path', 'org/m'])).stdout)
  await execa('btrfs', ['qgroup', 'limit', 'none', cache])
  assert.equal((await aim(cache, ['pull', 'org/big'])).code, 0)
})

test('a bucket mounted as files is refused as a cache, with the way out', async (t) => {
  const store = await startMoto()
  t.after(() => store.stop())
  await fetch(`${store.endpoint}/models`, { method: 'PUT' })
  const remote = `:s3,provider=Other,access_key_id=a,secret_access_key=b,endpoint='${store.endpoint}',force_path_style:models`
  const volume = await mounted(t, ['rclone', 'mount', remote, 'HERE', '--daemon'], ['fusermount3', '-u'])
  const { code, stderr } = await aim(join(volume, 'hub'), ['pull', 'org/m'])
  assert.equal(code, exitCodes.storage, stderr)
  assert.match(
    stderr,
    /as a shared cache: its file system cannot make symbolic links \(\w+\) and write a file at any place \(\w+\)\n {2}fix: .*name the bucket itself as s3:\/\//,
  )
})

test('a read-only volume serves what it holds whole, and is refused for more', async (t) => {
  const cache = await mount(t, ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs'])
  const { stdout: path } = await aim(cache, ['pull', 'org/m'])
  await execa('mount', ['-o', 'remount,ro', cache])
  assert.equal((await aim(cache, ['pull', 'org/m'])).stdout, path)
  await isWhole(path)
  const more = await aim(cache, ['pull', 'org/big'])
  assert.equal(more.code, exitCodes.storage)
  assert.match(
    more.stderr,
    /: the volume is mounted read-only \(EROFS\)\n {2}fix: mount it writable, or fill it beforehand and pin the revision$/,
  )
})

test('a file system without hard links holds a cache that two replicas share', async (t) => {
  const cache = await place(t)
  const prefix = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=link,linkat', '-e', 'inject=link,linkat:error=EPERM']
  const ended = await Promise.all([1, 2].map(() => aim(cache, ['pull', 'org/m'], { prefix })))
  for (const { code, stdout, stderr } of ended) {
    assert.equal(code, 0, stderr)
    await isWhole(stdout)
  }
})

test('under umask 077 another user is told that it may not write, and what is there stays whole', async (t) => {
  const cache = await place(t)
  const { code, stdout: path, stderr } = await aim(cache, ['pull', 'org/m'], { umask: '077' })
  assert.equal(code, 0, stderr)
  assert.equal((await stat(join(cache, 'models--org--m'))).mode & 0o777, 0o700)
  const other = await aim(cache, ['pull', 'org/m'], { prefix: asUser(65534) })
  assert.equal(other.code, exitCodes.storage, other.stderr)
  assert.match(
    other.stderr,
    /: this user may not write there \(EACCES\)\n {2}fix: give the user that the container runs as \(or its fsGroup\) write access$/,
  )
  await isWhole(path)
  assert.equal((await aim(cache, ['verify', '--deep'])).code, 0)
})

test('users of one group go on where another stopped, on a volume with the setgid bit of an fsGroup', async (t) => {
  const cache = await place(t)
  await mkdir(join(cache, 'hub'))
  await chown(join(cache, 'hub'), 0, 2000)
  await chmod(join(cache, 'hub'), 0o2775)
  const first = await aim(join(cache, 'hub'), ['pull', 'org/m', '--include', '*.json'], { prefix: asUser(1001, 2000) })
  assert.equal(first.code, 0, first.stderr)
  const second = await aim(join(cache, 'hub'), ['pull', 'org/m'], { prefix: asUser(1002, 2000) })
  assert.equal(second.code, 0, second.stderr)
  const root = await aim(join(cache, 'hub'), ['verify', '--deep'])
  assert.equal(root.code, 0, root.stdout)
  await isWhole((await aim(join(cache, 'hub'), ['path', 'org/m'], { prefix: asUser(1001, 2000) })).stdout)
})
