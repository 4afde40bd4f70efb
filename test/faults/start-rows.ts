import type { Row } from './row.ts'
import type { Scene } from './scene.ts'

const readyThenTerm = async (scene: Scene): Promise<void> => {
  await scene.ready()
  await scene.signal('TERM')
}

/** Ends with the first engine. */
const once = { AIM_RESTART_INTENSITY: '0' }
const noHub = { AIM_MODEL_ID: 'aim-demo/tiny-llama' }
const served = 'loading ready (down)'

/** How a start goes wrong, or only seems to. */
export const startRows: readonly Row[] = [
  {
    fault: 'a load that is slow and moves is not ended, though it takes longer than AIM_STARTUP_STALL_TIMEOUT',
    environment: { AIM_SIMULATOR_SPEED: '6', AIM_STARTUP_STALL_TIMEOUT: '6s' },
    act: readyThenTerm,
    probes: served,
    exit: 0,
  },
  {
    fault: 'a load that stops is ended, with the phase in the reason',
    environment: { ...once, AIM_STARTUP_STALL_TIMEOUT: '3s', AIM_SIMULATOR_FAULT: 'stall-at=weights' },
    probes: 'loading',
    exit: 137,
    says: /AIM Engine killed the engine.*stood still for 3\.0s in phase weights at 0 of 2/,
  },
  {
    fault: 'a start that stops before its first word is ended',
    environment: { ...once, AIM_STARTUP_STALL_TIMEOUT: '2s', AIM_SIMULATOR_FAULT: 'stall-at=import' },
    probes: 'loading',
    exit: 137,
    says: /stood still for 2\.0s in phase import/,
  },
  {
    fault: 'an engine that never opens its port is ended, and started again as often as the budget allows',
    environment: { AIM_RESTART_INTENSITY: '1', AIM_STARTUP_STALL_TIMEOUT: '2s', AIM_SIMULATOR_FAULT: 'never-ready' },
    probes: 'loading',
    restarts: 1,
    exit: 137,
    says: /stood still/,
  },
  {
    fault: 'an engine whose health says 500 is never ready',
    environment: { ...once, AIM_STARTUP_STALL_TIMEOUT: '3s', AIM_SIMULATOR_FAULT: 'health-500' },
    probes: 'loading',
    exit: 137,
    says: /stood still/,
  },
  {
    fault: 'an engine that listens and never answers is never ready',
    environment: { ...once, AIM_STARTUP_STALL_TIMEOUT: '3s', AIM_SIMULATOR_FAULT: 'hang=0' },
    probes: 'loading',
    exit: 137,
    says: /stood still for 3\.0s in phase warm-up/,
  },
  {
    fault: 'an unknown argument: the first start is the last, 78',
    environment: { AIM_ENGINE_EXTRA_ARGS: '--no-such-flag 1', AIM_STRICT: 'false' },
    probes: '(loading)',
    exit: 78,
    cause: 'bad-argument',
    says: /unrecognized arguments: --no-such-flag 1.*\nfix: .*AIM_ENGINE_EXTRA_ARGS/,
  },
  {
    fault: 'a context longer than the model: refused before anything is started',
    environment: { AIM_MAX_MODEL_LEN: '1000000' },
    probes: '(loading)',
    exit: 69,
    says: /1000000 tokens.*2048/,
  },
  {
    fault: 'a damaged weight file: permanent',
    model: 'torn',
    probes: 'loading',
    exit: 74,
    cause: 'corrupt-weights',
    says: /not fully covered/,
  },
  {
    fault: 'memory of the GPU is held at the start: tried again as often as the budget allows',
    environment: { AIM_RESTART_INTENSITY: '2', AIM_SIMULATOR_FAULT: 'crash-at-load', AIM_SIMULATOR_CRASH_LOG: '/stage/logs/memory-held' },
    probes: 'loading',
    restarts: 2,
    exit: 75,
    cause: 'memory-held',
    says: /12\.50 of 191\.98 GiB/,
  },
  {
    fault: 'the KV cache cannot hold one request and the context may not be cut: permanent',
    environment: {
      AIM_MIN_MODEL_LEN: '0',
      AIM_SIMULATOR_FAULT: 'crash-at-load',
      AIM_SIMULATOR_CRASH_LOG: '/stage/logs/kv-cache-too-small',
    },
    probes: 'loading',
    exit: 78,
    cause: 'kv-cache-too-small',
    says: /fix: .*65536/,
  },
  {
    fault: 'the KV cache cannot hold one request: one more try with the context that fits, then permanent',
    environment: {
      AIM_MIN_MODEL_LEN: '1024',
      AIM_SIMULATOR_FAULT: 'crash-at-load',
      AIM_SIMULATOR_CRASH_LOG: '/stage/logs/kv-cache-too-small-for-2048',
    },
    probes: 'loading',
    restarts: 1,
    exit: 78,
    cause: 'kv-cache-too-small',
    told: /starts once more and serves a context of 1536 tokens/,
    says: /fix: .*1600/,
  },
  {
    fault: 'an architecture that this engine does not know: permanent',
    environment: { AIM_SIMULATOR_FAULT: 'crash-at-load', AIM_SIMULATOR_CRASH_LOG: '/stage/logs/unknown-architecture' },
    probes: 'loading',
    exit: 78,
    cause: 'unknown-architecture',
    says: /FooForCausalLM/,
  },
  {
    fault: 'the engine has no access to the GPU: permanent',
    environment: { AIM_SIMULATOR_FAULT: 'crash-at-load', AIM_SIMULATOR_CRASH_LOG: '/stage/logs/no-gpu' },
    probes: 'loading',
    exit: 69,
    cause: 'no-gpu',
    says: /fix: .*\/dev\/kfd/,
  },
  {
    fault: 'the port of the probes is taken: 75 and its name',
    hub: {},
    environment: ({ url }) => ({ AIM_OPS_PORT: new URL(url).port }),
    probes: '',
    exit: 75,
    says: /port \d+.*AIM_OPS_PORT/s,
  },
  {
    fault: 'the port of the engine is taken: tried again as often as the budget allows',
    hub: {},
    environment: ({ url }) => ({ AIM_RESTART_INTENSITY: '1', AIM_PORT: new URL(url).port }),
    probes: 'loading',
    restarts: 1,
    exit: 75,
    cause: 'port-busy',
    says: /AIM_PORT/,
  },
  {
    fault: 'an engine that is not there: 127',
    environment: { AIM_ENGINE_COMMAND: '/no/such/vllm' },
    probes: '(loading)',
    exit: 127,
    says: /AIM_ENGINE_COMMAND/,
  },
  {
    fault: 'an engine that is no program: 126',
    environment: { AIM_ENGINE_COMMAND: '/etc/passwd' },
    probes: '(loading)',
    exit: 126,
    says: /EACCES/,
  },
  {
    fault: 'several wrong variables: all of them at once, 78',
    environment: { AIM_PRECISION: 'fp12', AIM_RESTART: 'maybe', AIM_DRAIN_TIMEOUT: 'soon' },
    probes: '',
    exit: 78,
    says: /(?=[\s\S]*AIM_PRECISION)(?=[\s\S]*AIM_RESTART)(?=[\s\S]*AIM_DRAIN_TIMEOUT)/,
  },
  { fault: 'no model is named: 78', environment: { AIM_MODEL_ID: '' }, probes: '(loading)', exit: 78, says: /AIM_MODEL_ID/ },
  {
    fault: 'more GPUs than the machine has: 69',
    environment: { AIM_GPU_COUNT: '4', AIM_ENGINE: 'vllm' },
    probes: '(loading)',
    exit: 69,
    says: /GPU/,
  },
  { fault: 'the hub is down: 75', environment: { ...noHub, HF_ENDPOINT: 'http://127.0.0.1:9' }, probes: 'loading', exit: 75, says: /./ },
  {
    fault: 'the hub is down for a moment: retried, ready',
    hub: { faults: [{ kind: 'status', status: 503, at: 'api', times: 2 }] },
    act: readyThenTerm,
    probes: served,
    exit: 0,
  },
  {
    fault: 'connections break in the middle of the weights: resumed, ready',
    hub: { faults: [{ kind: 'reset', at: 'cdn', afterBytes: 100_000, times: 3 }] },
    act: readyThenTerm,
    probes: served,
    exit: 0,
  },
  {
    fault: 'the storage sends other bytes: refused, nothing of them in the cache',
    hub: { faults: [{ kind: 'wrong-bytes', at: 'cdn' }] },
    probes: 'loading',
    exit: 75,
    says: /sha256|checksum|digest|differ/i,
  },
  { fault: 'a gated model: 77', hub: { repository: { gated: true } }, probes: '(loading)', exit: 77, says: /HF_TOKEN/ },
  { fault: 'a bad token: 77', hub: {}, environment: { HF_TOKEN: 'hf_wrong' }, probes: '(loading)', exit: 77, says: /HF_TOKEN/ },
  { fault: 'a revision that is not there: 78', hub: {}, environment: { AIM_REVISION: 'v9' }, probes: '(loading)', exit: 78, says: /v9/ },
  {
    fault: 'the cache does not hold the model and the hub may not be asked: 78',
    environment: { ...noHub, HF_HUB_OFFLINE: '1' },
    probes: '(loading)',
    exit: 78,
    says: /HF_HUB_OFFLINE/,
  },
]
