import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { causeNames, causes } from '../../src/engine/causes.ts'
import { explainExit } from '../../src/engine/failures.ts'

const worker = '(VllmWorker-0 pid=41) ERROR 11-23 19:44:59 [multiproc_executor.py:953] '
const core = '(EngineCore pid=28) ERROR 11-23 19:45:01 [core.py:1510] '
/** A traceback as a worker logs it, and what the processes above it make of it. */
const raised = (functionName: string, error: string): readonly string[] => [
  '(APIServer pid=7) INFO 11-23 19:44:11 [api_utils.py:286] non-default args: {}',
  `${worker}WorkerProc failed to start.`,
  `${worker}Traceback (most recent call last):`,
  `${worker}  File "/vllm/v1/worker/gpu_worker.py", line 83, in ${functionName}`,
  `${worker}    raise ValueError(`,
  `${worker}${error}`,
  `${core}Traceback (most recent call last):`,
  `${core}  File "/vllm/v1/executor/multiproc_executor.py", line 1, in wait_for_ready`,
  `${core}Exception: WorkerProc initialization failed due to an exception in a background process. See stack trace for root cause.`,
  'Traceback (most recent call last):',
  '  File "/vllm/v1/engine/utils.py", line 1431, in wait_for_engine_startup',
  "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}",
]

describe('what only a GPU, a hub or several nodes can show is named by its documented words', () => {
  const rows: readonly [cause: string, exitCode: number | undefined, lines: readonly string[], says: RegExp][] = [
    ['no-gpu', 69, ['RuntimeError: No HIP GPUs are available'], /\/dev\/kfd/],
    ['no-gpu', 69, raised('init_device', 'RuntimeError: Failed to infer device type, please set ...'), /aim gpus/],
    ['no-kfd-permission', 77, ['Unable to open /dev/kfd read-write: Permission denied'], /group/],
    [
      'mask-conflict',
      78,
      ["ValueError: Inconsistent GPU visibility env vars: HIP_VISIBLE_DEVICES='0' vs CUDA_VISIBLE_DEVICES='1'. Please set only one"],
      /only HIP_VISIBLE_DEVICES/,
    ],
    [
      'memory-held',
      75,
      raised(
        'init_device',
        'ValueError: Free memory on device cuda:0 (20.12/191.98 GiB) on startup is less than desired GPU memory utilization (0.92, 176.63 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.',
      ),
      /20\.12 of 191\.98 GiB.*0\.92 wants 176\.63/,
    ],
    [
      'memory-held',
      75,
      [
        'AssertionError: Error in memory profiling. Initial free memory 180.1 GiB, current free memory 185.2 GiB. This happens when other processes',
      ],
      /180\.1.*185\.2/,
    ],
    [
      'gpu-memory-at-load',
      69,
      raised(
        'load_model',
        'torch.OutOfMemoryError: HIP out of memory. Tried to allocate 896.00 MiB. GPU 0 has a total capacity of 63.98 GiB of which 120.00 MiB is free.',
      ),
      /63\.98 GiB.*AIM_GPU_COUNT/,
    ],
    [
      'gpu-memory-at-capture',
      78,
      raised('capture_model', 'torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB.'),
      /enforce-eager/,
    ],
    ['gpu-memory', undefined, raised('profile_run', 'torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB.'), /2\.00 GiB/],
    [
      'too-many-sequences',
      78,
      raised('_dummy_sampler_run', 'RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests.'),
      /1024/,
    ],
    ['gpu-unsupported', 69, ['RuntimeError: HIP error: invalid device function'], /gfx/],
    ['gpu-unsupported', 69, ['hipErrorNoBinaryForGpu: Unable to find code object for all current devices!'], /gfx/],
    ['gpu-fault', undefined, ['Memory access fault by GPU node-2 (Agent handle: 0x5581) on address 0x7f00. Reason: Unknown.'], /node 2/],
    ['gpu-error', undefined, ['RuntimeError: HIP error: unspecified launch failure'], /unspecified launch failure/],
    ['gpu-error', undefined, [':0:rocdevice.cpp :2984: HSA_STATUS_ERROR_OUT_OF_RESOURCES: The runtime failed'], /OUT_OF_RESOURCES/],
    [
      'collective',
      undefined,
      raised(
        'init_worker_distributed_environment',
        'torch.distributed.DistBackendError: NCCL error in: /src/NCCLUtils.hpp:219, unhandled system error',
      ),
      /shm/,
    ],
    [
      'collective',
      undefined,
      [
        '[rank1]:[E1124 10:11:12.1 ProcessGroupNCCL.cpp:616] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=3, OpType=ALLREDUCE)',
      ],
      /RCCL/,
    ],
    [
      'rendezvous',
      75,
      ['torch.distributed.DistNetworkError: The client socket has timed out after 600000ms while trying to connect to (10.0.0.1, 29501).'],
      /10\.0\.0\.1, 29501/,
    ],
    ['aiter-build', 78, ['[aiter] failed jit build [module_gemm_a8w8]: Traceback', 'x'], /module_gemm_a8w8.*VLLM_ROCM_USE_AITER=0/],
    [
      'kernel-compile',
      78,
      raised(
        'warmup',
        'triton.runtime.errors.OutOfResources: out of resource: shared memory, Required: 81920, Hardware limit: 65536. Reducing block sizes',
      ),
      /81920/,
    ],
    [
      'quantization',
      78,
      ['  Value error, bitsandbytes quantization is currently not supported in rocm. [type=value_error'],
      /bitsandbytes/,
    ],
    ['too-few-gpus', 69, raised('init_device', 'torch.AcceleratorError: HIP error: invalid device ordinal'), /AIM_GPU_COUNT/],
    [
      'shm',
      69,
      raised(
        '__init__',
        'RuntimeError: Insufficient space in /dev/shm for shared-memory allocation: 160 MiB required, 64 MiB free. Increase /dev/shm (e.g. --shm-size or --ipc=host).',
      ),
      /160 MiB.*64 MiB.*--shm-size/,
    ],
    ['bus-error', undefined, ['Worker proc VllmWorker-3 died unexpectedly (exit code: -7), shutting down executor.'], /shm/],
    ['segfault', undefined, ['Worker proc VllmWorker-3 died unexpectedly (exit code: -11), shutting down executor.'], /SIGSEGV/],
    ['killed', undefined, ["RuntimeError: Engine core initialization failed. Failed core proc(s): {'EngineCore': -9}"], /memory/],
    ['gated', 77, ['huggingface_hub.errors.GatedRepoError: 403 Client Error.', 'Cannot access gated repo for url'], /HF_TOKEN/],
    [
      'corrupt-weights',
      74,
      ['OSError: Consistency check failed: file should be of size 4976698672 but has size 1048576 (model-00001-of-00004.safetensors).'],
      /4976698672.*1048576/,
    ],
    ['disk-full', 74, ["OSError: [Errno 28] No space left on device: '/root/.triton/cache/x'"], /\/root\/\.triton\/cache\/x/],
    ['storage-io', 74, ["OSError: [Errno 116] Stale file handle: '/workspace/model-cache/hub/x'"], /Stale file handle.*model-cache/],
    [
      'dtype',
      78,
      raised('load_model', "AttributeError: module 'torch' has no attribute 'float8_e8m0fnu'"),
      /float8_e8m0fnu does not go with/,
    ],
    ['library-missing', 78, ['ImportError: libamdhip64.so.7: cannot open shared object file: No such file or directory'], /libamdhip64/],
    [
      'startup-timeout',
      undefined,
      ['TimeoutError: Timed out waiting for engine core processes to start. This is often caused by slow weight loading'],
      /VLLM_ENGINE_READY_TIMEOUT_S/,
    ],
    ['worker-timeout', undefined, raised('execute_model', 'TimeoutError: RPC call to execute_model timed out.'), /execute_model/],
  ]
  for (const [cause, exitCode, lines, says] of rows) {
    test(`${cause}: ${lines.at(lines.length === 1 ? 0 : 5)?.slice(0, 80)}`, () => {
      const meaning = explainExit({ code: 1, signal: null }, lines, false)
      assert.deepEqual([meaning.cause, meaning.exitCode], [cause, exitCode])
      assert.match(`${meaning.sentence} ${meaning.fix}`, says)
    })
  }
})

describe('the rules', () => {
  test('name at least forty causes, in words that fit a label, each with something to do', () => {
    assert.ok(causeNames.length > 40, String(causeNames.length))
    for (const { cause, sentence, fix } of causes) {
      assert.match(cause, /^[a-z]+(?:-[a-z]+)*$/)
      assert.ok(fix.length > 10 && !/[.;]$/.test(sentence))
    }
  })
  test('fill only groups that their patterns have', () => {
    for (const { cause, pattern, within, sentence, fix } of causes) {
      const groups = new Set([...`${pattern.source}${within?.source}`.matchAll(/\(\?<(\w+)>/g)].map(([, name]) => name))
      const used = [...`${sentence} ${fix}`.matchAll(/\$<(\w+)>/g)].map(([, name]) => name)
      assert.deepEqual(
        used.filter((name) => !groups.has(name)),
        [],
        cause,
      )
    }
  })
  test('are read of an engine that was serving only where its own words cannot be a user’s', () => {
    for (const { cause, whileServing } of causes.filter((rule) => rule.whileServing)) {
      const line = `(APIServer pid=7) ERROR 11-23 19:44:11 [serving.py:1] ValueError: HIP out of memory, NCCL error, ${cause}`
      assert.ok(whileServing)
      assert.equal(explainExit({ code: 0, signal: null }, [line], true).cause, 'unknown')
    }
  })
})

describe('explainExit()', () => {
  test('takes the root cause over what general rules and consequences say, wherever each stands', () => {
    const general = raised('load_model', "ModuleNotFoundError: No module named 'flash_attn'")
    const root = raised('init_device', 'RuntimeError: No HIP GPUs are available')
    for (const lines of [
      [...general, ...root],
      [...root, ...general],
    ])
      assert.equal(explainExit({ code: 1, signal: null }, lines, false).cause, 'no-gpu')
  })
  test('takes the earlier of two root causes', () => {
    const [full, port] = ['OSError: [Errno 28] No space left on device', 'OSError: [Errno 98] Address already in use']
    assert.equal(explainExit({ code: 1, signal: null }, [full, port], false).cause, 'disk-full')
    assert.equal(explainExit({ code: 1, signal: null }, [port, full], false).cause, 'port-busy')
  })
  test('reads no warning, no healthy record and no traceback frame', () => {
    const lines = [
      '(APIServer pid=7) WARNING 11-23 19:44:11 [system_utils.py:255] This can cause fd limit errors like `OSError: [Errno 24] Too many open files`.',
      "(APIServer pid=7) INFO 11-23 19:44:11 [x.py:1] config: 'No HIP GPUs are available'",
      'Traceback (most recent call last):',
      '  File "/x.py", line 1, in f',
      '    raise OSError("No space left on device")',
      'FrobnicationError: the frob is 3',
    ]
    const { cause, sentence, evidence } = explainExit({ code: 1, signal: null }, lines, false)
    assert.deepEqual(
      [cause, sentence, evidence],
      [
        'unknown',
        'the engine exited with code 1 without being asked to: FrobnicationError: the frob is 3',
        ['File "/x.py", line 1, in f', 'FrobnicationError: the frob is 3'],
      ],
    )
  })
  test('passes over an error that the engine logs with its tracebacks and survives', () => {
    const record = '(APIServer pid=7) ERROR 11-23 19:44:29 [registry.py:1041] '
    const survived = [
      `${record}Error saving model info cache.`,
      `${record}Traceback (most recent call last):`,
      `${record}OSError: [Errno 30] Read-only file system: '/.cache'`,
      `${record}During handling of the above exception, another exception occurred:`,
      `${record}Traceback (most recent call last):`,
      `${record}OSError: [Errno 30] Read-only file system: '/.cache'`,
    ]
    assert.equal(explainExit({ code: null, signal: 'SIGKILL' }, survived, false).cause, 'killed')
    const after = "(APIServer pid=7) ERROR 11-23 19:44:30 [other.py:1] OSError: [Errno 30] Read-only file system: '/x'"
    assert.equal(explainExit({ code: 1, signal: null }, [...survived, after], false).cause, 'read-only')
  })
  test('shows no word of a user when an engine that was serving ends', () => {
    const lines = [
      '(APIServer pid=7) ERROR 11-23 19:44:29 [serving.py:1] Error in preprocessing prompt: my secret diary',
      '(APIServer pid=7) WARNING 11-23 19:44:30 [core_client.py:817] [shutdown] MPClient: engine core exited unexpectedly; starting cleanup',
    ]
    const { cause, sentence, evidence } = explainExit({ code: 0, signal: null }, lines, true)
    assert.equal(cause, 'engine-core-died')
    assert.doesNotMatch([sentence, ...evidence].join(), /diary/)
  })
  test('says how much would fit, whatever stands after it', () => {
    const lines = [
      "ValueError: To serve at least one request with the model's max seq len (4000000), (3.81 GiB KV cache is needed, which is larger than the available KV cache memory (1.0 GiB). Based on the available memory, the estimated maximum model length is 1048448. Try",
      'RuntimeError: Engine core initialization failed. See root cause above.',
    ]
    const { cause, sentence, permanent, fix } = explainExit({ code: 1, signal: null }, lines, false)
    assert.deepEqual([cause, permanent], ['kv-cache-too-small', true])
    assert.match(`${sentence} ${fix}`, /4000000.*3\.81 GiB.*1\.0 GiB.*AIM_MAX_MODEL_LEN=1048448/)
  })
  test('says no more than it knows', () => {
    const { cause, sentence, permanent } = explainExit({ code: 3, signal: null }, ['x'], false)
    assert.deepEqual([cause, sentence, permanent], ['unknown', 'the engine exited with code 3 without being asked to', false])
  })
  test('takes code 2 as a command line that no retry mends', () =>
    assert.equal(explainExit({ code: 2, signal: null }, [], false).permanent, true))
  test('gives an engine that was serving another try, whatever its code', () => {
    const { cause, permanent } = explainExit({ code: 134, signal: null }, ['Memory access fault by GPU node-2'], true)
    assert.deepEqual([cause, permanent], ['gpu-fault', false])
  })
  test('says what error it was rather than what it led to, though no rule knows it', () => {
    const { cause, sentence } = explainExit({ code: 1, signal: null }, raised('load_model', 'FrobnicationError: the frob is 3'), false)
    assert.deepEqual(
      [cause, sentence],
      ['unknown', 'the engine exited with code 1 without being asked to: FrobnicationError: the frob is 3'],
    )
  })
  const heldOut: readonly [error: string, functionName: string, cause: string][] = [
    ['ValueError: Unsupported activation: wobble. Only silu is supported for now.', '__init__', 'bad-config'],
    ['OSError: No such device (os error 19)', 'safetensors_weights_iterator', 'weights-unreadable'],
    ['ValueError: Config file must be of a yaml/yml type. /etc/hostname supplied', 'load_config_file', 'bad-argument'],
    ['yaml.parser.ParserError: while parsing a flow node', 'load_config_file', 'bad-argument'],
  ]
  for (const [error, functionName, cause] of heldOut)
    test(`names ${cause} in ${error}`, () =>
      assert.equal(explainExit({ code: 1, signal: null }, raised(functionName, error), false).cause, cause))
})
