/** Requests, machines and an engine adapter for the tests of this room. */

import type { EngineAdapter } from '../../src/engine/adapter.ts'
import type { Gpu, Inventory } from '../../src/hardware/inventory.ts'
import type { ModelSource } from '../../src/plan/launch.ts'
import type { Request } from '../../src/plan/request.ts'
import { gib } from '../../src/std/bytes.ts'
import type { Policy } from '../../src/supervisor/policy.ts'
import { facts8b, kinds, model } from '../recipes/worlds.ts'

export const request = (given: Partial<Request> = {}): Request => ({
  model,
  revision: 'main',
  engine: 'vllm',
  metric: 'latency',
  gpuCount: 'auto',
  allowGeneral: true,
  engineArguments: {},
  extraArguments: [],
  servedNames: [given.model ?? model],
  host: '0.0.0.0',
  port: 8000,
  ...given,
})

export const machineGpus = (...names: readonly (keyof typeof kinds)[]): readonly Gpu[] =>
  names.map((name, index) => ({ index, node: index + 1, renderMinor: 128 + index, ...kinds[name] }))

export const inventory = (gpus: readonly Gpu[], given: Partial<Inventory> = {}): Inventory => ({
  gpus,
  hidden: [],
  driver: true,
  host: { cpus: 16, memoryBytes: gib(256), shmBytes: gib(64) },
  oddities: [],
  ...given,
})

export const commit = '0123456789abcdef0123456789abcdef01234567'

export const source = (given: Partial<ModelSource> = {}): ModelSource => ({
  id: model,
  path: `/cache/snapshots/${commit}`,
  artifact: { repo: given.id ?? model, commit, patterns: [] },
  facts: facts8b,
  ...given,
})

export const policy: Policy = {
  ...{
    startupStallMs: 1,
    stallMs: 1,
    onStall: 'restart',
    canaryMs: 0,
    examineMs: 1,
    drainDelayMs: 1,
    drainMs: 1,
    stopMs: 1,
    killMs: 1,
    reclaimMs: 1,
  },
  restart: { when: 'always', intensity: 5, periodMs: 1, baseMs: 1, capMs: 1, healthyMs: 600_000 },
  roomMs: 5000,
  onHeld: 'retry',
}

/** Says all it was given, so that a test can read it back from argv. */
export const adapter: EngineAdapter = {
  name: 'vllm',
  argv: ({ command, modelPath, servedNames, host, port, arguments: args, extraArguments }) => [
    ...[...command, 'serve', modelPath, '--served-model-name', ...servedNames, '--host', host, '--port', String(port)],
    ...Object.entries(args).flatMap(([name, value]) => (value === null ? [] : [`--${name}`, JSON.stringify(value)])),
    ...extraArguments,
  ],
  withContext: (given) => given,
  environment: () => ({ VLLM_NO_USAGE_STATS: '1' }),
  compileCaches: { environment: () => ({}), kept: [], owners: [] },
  endpoints: () => ({ base: '', health: '', metrics: '', suspensions: [] }),
  warmUp: () => ({ path: '', body: null, check: () => undefined }),
  mayTell: () => false,
  readPhase: () => undefined,
  addFigures: (figures) => figures,
  wasTooSmall: () => false,
  showsProgress: () => true,
  showsWork: () => false,
  readLoad: () => undefined,
  readPulse: () => ({ cores: {}, asleep: false }),
  saysSuspended: () => false,
  headersFor: () => ({}),
  compilers: /^$/,
  keyMetrics: () => [],
  isOwnLine: () => false,
  explainExit: () => ({ cause: 'unknown', sentence: '', permanent: false, evidence: [] }),
  inFlight: () => undefined,
}
