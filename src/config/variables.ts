/**
 * Every variable, in one table: `parse`, `toEnv`, `aim help env`, the README's table and the renderers read it. Names and values of
 * AMD's AIM containers are kept (`amd`), so that a script written for those goes on working.
 */
import { modelNames } from '../cache/model-name.ts'
import { metrics, precisions } from '../recipes/profile.ts'
import { type Codec, choice, duration, flag, jsonObject, path, size, text, url, whole, wholeOrAuto, words } from './schemas.ts'

/** One variable. */
export type Variable<T, D> = Codec<T> & {
  readonly name: string
  /** Other names with the same meaning, tried in order when `name` is not set. */
  readonly aliases?: readonly string[]
  readonly default: D
  /** How the default reads in the documentation when it is not the value itself. */
  readonly defaultText?: string
  /** One sentence for the documentation. */
  readonly summary: string
  /** Masked wherever it is shown; `NAME_FILE` names a file that holds it. */
  readonly secret?: true
  /** AMD's runtime ignores a bad value silently; so do we under AIM_STRICT=false, with a warning. */
  readonly lenient?: true
}

const define = <T, const D extends T | undefined>(codec: Codec<T>, variable: Omit<Variable<T, D>, keyof Codec<T>>): Variable<T, D> => ({
  ...codec,
  ...variable,
})

/** AMD's own list of GPU names for AIM_GPU_MODEL, and the products that we know beside them. */
export const gpuModels = [
  ...['MI100', 'MI210', 'MI250', 'MI250X', 'MI300A', 'MI300X', 'MI308X', 'MI325X', 'MI350X', 'MI355X', 'MI350P', 'MI358X'],
  ...[
    'V710',
    'W7800',
    'W7900',
    'R9600D',
    'R9700',
    'R9700S',
    'RX7900XTX',
    'RX7900XT',
    'RX7900GRE',
    'RX9060XT',
    'RX9070',
    'RX9070GRE',
    'RX9070XT',
  ],
  ...['V620', 'W6800', 'W6800X', 'W6900X', 'RX6800', 'RX6900', 'RX7900', 'AIMAX395'],
] as const

const name = text(/^\S(?:.*\S)?$/s, 'must not be empty')
const modelId = text(
  modelNames,
  'must be a model id such as org/name or modelscope://org/name, a bucket as s3://bucket/prefix, or an absolute path to a model directory',
)

/** The table; its keys are the option keys that problems and reasons carry. */
export const variables = {
  model: define(modelId, {
    name: 'AIM_MODEL_ID',
    aliases: ['AIM_ID'],
    default: undefined,
    summary:
      'The model: org/name on the hub (or hf://org/name), modelscope://org/name, s3://bucket/prefix, or an absolute path to a model directory.',
  }),
  revision: define(text(/^[\w./-]+$/, 'must be a branch, tag or commit'), {
    name: 'AIM_REVISION',
    default: 'main',
    summary: 'Branch, tag or commit of the model; a bucket has none but the commit that its objects make.',
  }),
  precision: define(choice([...precisions, 'auto']), {
    name: 'AIM_PRECISION',
    default: 'auto',
    lenient: true,
    summary: 'Number format of the weights; auto takes the best profile that runs here.',
  }),
  gpuCount: define(wholeOrAuto(0, 1024), {
    name: 'AIM_GPU_COUNT',
    default: 'auto',
    lenient: true,
    summary: 'GPUs to use; auto uses at most what is visible, 0 runs on the CPU.',
  }),
  gpuModel: define(choice([...gpuModels, 'auto'], { none: 'auto', unknown: 'auto' }), {
    name: 'AIM_GPU_MODEL',
    default: 'auto',
    lenient: true,
    summary: 'Product to plan for instead of the detected one.',
  }),
  engine: define(choice(['vllm', 'simulator'], { auto: 'vllm' }), {
    name: 'AIM_ENGINE',
    default: 'vllm',
    lenient: true,
    summary: 'The engine; the simulator behaves like vLLM without a model, for laptops and rehearsals.',
  }),
  metric: define(choice(metrics, { auto: 'latency' }), {
    name: 'AIM_METRIC',
    default: 'latency',
    lenient: true,
    summary: 'What the profile is tuned for.',
  }),
  profileId: define(text(/^[\w./-]*$/, 'must be a profile id such as vllm-mi300x-fp8-tp1-latency'), {
    name: 'AIM_PROFILE_ID',
    default: '',
    summary: 'Use exactly this profile; it must still fit the machine.',
  }),
  allowGeneral: define(flag, {
    name: 'AIM_ALLOW_GENERAL_PROFILE_FALLBACK',
    default: true,
    lenient: true,
    summary: 'Whether a general profile may be used when no tuned one fits.',
  }),
  engineArguments: define(jsonObject, {
    name: 'AIM_ENGINE_ARGS',
    default: {},
    lenient: true,
    summary: 'Engine arguments as a JSON object, over those of the profile.',
  }),
  extraArguments: define(words, {
    name: 'AIM_ENGINE_EXTRA_ARGS',
    default: [],
    summary: 'Engine arguments as shell words, last on its command line.',
  }),
  engineCommand: define(words, {
    name: 'AIM_ENGINE_COMMAND',
    default: [],
    defaultText: 'vllm on PATH',
    summary: 'Program to run as the engine, with leading words; it is given `serve MODEL ...` as vLLM is.',
  }),
  engineFlags: define(path, {
    name: 'AIM_ENGINE_FLAGS',
    default: undefined,
    defaultText: "the image's own",
    summary: "The engine's flags as engine-flags.py writes them, which engine arguments are held against.",
  }),
  servedNames: define(words, {
    name: 'AIM_SERVED_MODEL_NAME',
    default: [],
    defaultText: 'the model id',
    summary: 'Names that the model answers to, separated by spaces.',
  }),
  maxModelLength: define(whole(1, 1_000_000_000), {
    name: 'AIM_MAX_MODEL_LEN',
    default: undefined,
    defaultText: "the profile's",
    summary: 'Largest context in tokens.',
  }),
  minModelLength: define(whole(0, 1_000_000_000), {
    name: 'AIM_MIN_MODEL_LEN',
    default: 4096,
    summary:
      'An engine that says that its context does not fit is started once more with the largest that does, never with less than so many tokens; 0 ends it instead.',
  }),
  host: define(name, { name: 'AIM_HOST', default: '0.0.0.0', summary: 'Address that the engine listens on.' }),
  port: define(whole(1, 65535), { name: 'AIM_PORT', default: 8000, summary: 'Port that the engine listens on.' }),
  engineApiKey: define(name, {
    name: 'VLLM_API_KEY',
    default: undefined,
    secret: true,
    summary: 'Key that clients of the engine must send.',
  }),
  opsHost: define(text(/^\S*$/, 'must be an address'), {
    name: 'AIM_OPS_HOST',
    default: '',
    defaultText: 'all addresses',
    summary: 'Address of the probes and metrics.',
  }),
  opsPort: define(whole(0, 65535), {
    name: 'AIM_OPS_PORT',
    default: 8080,
    summary: 'Port of the probes and metrics; 0 takes any free one.',
  }),
  cachePath: define(path, {
    name: 'AIM_CACHE_PATH',
    default: undefined,
    defaultText: '/workspace/model-cache',
    summary: 'Directory of the model cache; models go to its hub/ folder.',
  }),
  hubCache: define(path, {
    name: 'HF_HUB_CACHE',
    aliases: ['HUGGINGFACE_HUB_CACHE'],
    default: undefined,
    summary: "Hugging Face's cache directory; before AIM_CACHE_PATH.",
  }),
  hfHome: define(path, {
    name: 'HF_HOME',
    default: undefined,
    summary: "Hugging Face's home; its hub/ folder is the cache when nothing nearer is set.",
  }),
  hubEndpoint: define(url, {
    name: 'HF_ENDPOINT',
    default: 'https://huggingface.co',
    summary: 'The hub, or a mirror of it.',
  }),
  hubToken: define(name, {
    name: 'HF_TOKEN',
    aliases: ['HUGGING_FACE_HUB_TOKEN'],
    default: undefined,
    secret: true,
    summary: 'Token for gated and private models; the engine never sees it.',
  }),
  modelScopeEndpoint: define(url, {
    name: 'MODELSCOPE_ENDPOINT',
    default: 'https://modelscope.cn',
    summary: 'ModelScope, or a mirror of it.',
  }),
  modelScopeToken: define(name, {
    name: 'MODELSCOPE_API_TOKEN',
    aliases: ['MODELSCOPE_TOKEN'],
    default: undefined,
    secret: true,
    summary: 'Token for private models on ModelScope; the engine never sees it.',
  }),
  hubOffline: define(flag, {
    name: 'HF_HUB_OFFLINE',
    aliases: ['TRANSFORMERS_OFFLINE'],
    default: false,
    summary: 'Ask the hub nothing: serve what the cache holds, or say what is missing.',
  }),
  compileCacheSize: define(size, {
    name: 'AIM_COMPILE_CACHE_SIZE',
    default: 20 * 1024 ** 3,
    defaultText: '20GiB',
    summary: "What engines compile is kept on the cache's volume for the next start, at most so much of it; 0 keeps none.",
  }),
  recipesPath: define(path, {
    name: 'AIM_RECIPES_PATH',
    default: undefined,
    summary: 'Directory of recipes of your own, before those of the image.',
  }),
  sysfsRoot: define(path, {
    name: 'AIM_SYSFS_ROOT',
    default: '/',
    summary: 'Read the machine from a captured tree under this directory.',
  }),
  restart: define(choice(['always', 'on-failure', 'never']), {
    name: 'AIM_RESTART',
    default: 'always',
    summary: 'Whether an engine that ended unasked is started again; on-failure leaves one that exited with 0. The budget holds for all.',
  }),
  restartIntensity: define(whole(0, 1000), {
    name: 'AIM_RESTART_INTENSITY',
    default: 5,
    summary: 'Restarts allowed within AIM_RESTART_PERIOD; one more ends the container with the code of the engine.',
  }),
  restartPeriod: define(duration(1000, 86_400_000), {
    name: 'AIM_RESTART_PERIOD',
    default: 1_800_000,
    summary: 'The period of AIM_RESTART_INTENSITY.',
  }),
  restartBackoff: define(duration(0, 3_600_000), {
    name: 'AIM_RESTART_BACKOFF',
    default: 1000,
    summary: 'Wait before the second restart in a row, the first comes at once; doubles each time, up to a minute.',
  }),
  restartReset: define(duration(1000, 86_400_000), {
    name: 'AIM_RESTART_RESET',
    default: 600_000,
    summary: 'Ready for so long without a break, an engine has its earlier failures forgotten.',
  }),
  startupStall: define(duration(1000, 86_400_000), {
    name: 'AIM_STARTUP_STALL_TIMEOUT',
    default: 1_200_000,
    summary: 'A start that stands still for so long (no log line, no bytes, no memory taken) is ended; one that moves has no limit.',
  }),
  stall: define(duration(1000, 86_400_000), {
    name: 'AIM_STALL_TIMEOUT',
    default: 120_000,
    summary: 'An engine with work in flight that takes no step for so long has stalled; so has one that is unready for so long.',
  }),
  stallAction: define(choice(['restart', 'report']), {
    name: 'AIM_STALL_ACTION',
    default: 'restart',
    summary: 'What a stall leads to: the engine is started again, or /livez turns 503 and the rest is left to the orchestrator.',
  }),
  canary: define(duration(0, 86_400_000), {
    name: 'AIM_CANARY_INTERVAL',
    default: 60_000,
    summary: 'An engine that is idle for so long is asked for one token, to see that it still can; 0 never asks.',
  }),
  drainDelay: define(duration(0, 3_600_000), {
    name: 'AIM_DRAIN_DELAY',
    default: undefined,
    defaultText: '5s in Kubernetes, else 0',
    summary: 'After readiness went off, the time for endpoints to notice.',
  }),
  drainTimeout: define(duration(0, 86_400_000), {
    name: 'AIM_DRAIN_TIMEOUT',
    default: undefined,
    defaultText: '60s, or what AIM_GRACE_PERIOD leaves',
    summary: 'Time for running requests to finish after a stop was asked for.',
  }),
  stopTimeout: define(duration(0, 3_600_000), {
    name: 'AIM_STOP_TIMEOUT',
    default: undefined,
    defaultText: '20s, or what AIM_GRACE_PERIOD leaves',
    summary: 'From SIGTERM to SIGKILL of the engine.',
  }),
  gracePeriod: define(duration(1000, 86_400_000), {
    name: 'AIM_GRACE_PERIOD',
    default: undefined,
    defaultText: 'unlimited in Kubernetes or when one of the two above is set, else 10s',
    summary:
      'From SIGTERM until the container is killed, as its runner was told (docker stop -t, --stop-timeout, stop_grace_period, terminationGracePeriodSeconds): a stop is cut to fit.',
  }),
  reclaimTimeout: define(duration(1000, 3_600_000), {
    name: 'AIM_RECLAIM_TIMEOUT',
    default: 30_000,
    summary: "Time for the engine's processes to be gone after its end, and for its GPU memory to come back.",
  }),
  memoryHeld: define(choice(['retry', 'exit']), {
    name: 'AIM_MEMORY_HELD_ACTION',
    default: 'retry',
    summary: 'GPU memory that is not back by then: start again later, within the restart budget, or exit, so that the node is looked at.',
  }),
  memoryWait: define(duration(0, 86_400_000), {
    name: 'AIM_MEMORY_WAIT_TIMEOUT',
    default: 300_000,
    summary:
      'How long a start waits while others hold the GPU memory that the engine asks for, then it is tried all the same; 0 does not wait.',
  }),
  logLevel: define(choice(['debug', 'info', 'warning', 'error', 'critical'], { warn: 'warning', fatal: 'critical', notset: 'debug' }), {
    name: 'AIM_LOG_LEVEL',
    default: 'info',
    lenient: true,
    summary: 'Least serious level of our own lines that is logged.',
  }),
  logFormat: define(choice(['text', 'json']), {
    name: 'AIM_LOG_FORMAT',
    default: 'text',
    summary: 'text, or one JSON object per line, those of the engine included.',
  }),
  terminationLog: define(path, {
    name: 'AIM_TERMINATION_LOG',
    default: '/dev/termination-log',
    summary: 'File for the last words of a failed container, when it can be written.',
  }),
  strict: define(flag, {
    name: 'AIM_STRICT',
    default: true,
    summary: "false: values that AMD's containers ignore silently are warnings instead of problems.",
  }),
} as const

/** Names that other images and AMD's operator set and that mean nothing here: neither problem nor warning. */
export const acceptedNames: readonly string[] = ['AIM_BASE_IMAGE_REF', 'AIM_CUSTOM_MODEL_NAME', 'AIM_DEBUG', 'AIM_LOG_LEVEL_ROOT']

/** Prefix of the simulator's variables, which it reads itself. */
export const simulatorPrefix = 'AIM_SIMULATOR_'

/** An option key. */
export type VariableKey = keyof typeof variables

type ValueOf<V> = V extends Variable<infer T, infer D> ? (undefined extends D ? T | undefined : T) : never

/** Every variable's value by option key, defaults filled in. */
export type Options = { readonly [K in VariableKey]: ValueOf<(typeof variables)[K]> }
