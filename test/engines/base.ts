import { chmod, cp, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { cacheDir, say } from './cache.ts'
import { debootstrap } from './debian.ts'
import { ensureDocker } from './docker.ts'
import { withLock } from './lock.ts'
import { run, succeeds } from './run.ts'

const BASE = 'aim-test/base:bookworm'
const NODE = 'aim-test/node:26.10.0'
const NODE_BINARY = join(import.meta.dirname, '../../node_modules', `node-linux-${process.arch}`, 'bin/node')
const HOST_CA = '/etc/ssl/certs/ca-certificates.crt'

const TOOLS = ['ca-certificates', 'procps', 'python3', 'libatomic1', 'curl']
const FOR_VLLM = 'libsqlite3-0 libssl3 libffi8 liblzma5 libbz2-1.0 libreadline8 libgomp1 libnuma1 libgl1 libglib2.0-0'.split(' ')

// The host's certificates stand at the place every tool looks by default; npm alone is told, as Node brings its own list.
const NODE_DOCKERFILE = `FROM ${BASE}
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY ca.crt ${HOST_CA}
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \\
 && mkdir -p /usr/local/etc && echo 'cafile=${HOST_CA}' > /usr/local/etc/npmrc && node --version && npm --version
CMD ["node"]
`

const inScratch = async (work: (dir: string) => Promise<void>) => {
  const dir = await mkdtemp(join(tmpdir(), 'aim-image-'))
  await work(dir).finally(() => rm(dir, { recursive: true, force: true }))
}

const makeBase = async (dir: string) => {
  say(`making ${BASE}: debootstrap with ${[...TOOLS, ...FOR_VLLM].join(' ')} (about a minute)`)
  await debootstrap(dir, [...TOOLS, ...FOR_VLLM])
  // Engines are mounted at their own path, which lies below /root when root runs the tests, and run there as another user.
  await chmod(join(dir, 'root'), 0o755)
  const tar = execa('tar', ['-C', dir, '-c', '.'], { buffer: false })
  await tar.pipe('docker', ['import', '-', BASE])
}

// node:26 cannot be pulled where only package registries are reached; npm is whichever this machine has, as it comes in no package of ours.
const makeNode = async (dir: string) => {
  say(`making ${NODE} from ${BASE}, node of node_modules and this machine's npm`)
  const npm = dirname(dirname(await realpath((await run('sh', ['-c', 'command -v npm'])).trim())))
  await cp(NODE_BINARY, join(dir, 'node'))
  await cp(npm, join(dir, 'npm'), { recursive: true })
  await cp(HOST_CA, join(dir, 'ca.crt'))
  await writeFile(join(dir, 'Dockerfile'), NODE_DOCKERFILE)
  await run('docker', ['build', '-t', NODE, dir], { env: { DOCKER_BUILDKIT: '0' } })
}

const ensureImage = async (name: string, make: (dir: string) => Promise<void>) => {
  if (!(await succeeds('docker', ['image', 'inspect', name]))) await inScratch(make)
}

/** Makes stand-ins, once per Docker daemon, for the two images the product's Dockerfile starts from: the vLLM base and official node. */
export const ensureBaseImages = async () => {
  await ensureDocker()
  await withLock(join(cacheDir(), 'images.lock'), async () => {
    await ensureImage(BASE, makeBase)
    await ensureImage(NODE, makeNode)
  })
  return { base: BASE, node: NODE }
}

if (import.meta.main) console.log(JSON.stringify(await ensureBaseImages()))
