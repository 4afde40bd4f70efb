import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { explainExit } from '../../src/engine/failures.ts'

const core = '(EngineCore pid=28) ERROR 11-23 19:45:01 [core.py:1510] '
/** An error as the core logs it that a frame of this file and function raised, and what the API server makes of it. */
const raised = (error: string, file: string, within: string): readonly string[] => [
  `${core}EngineCore failed to start.`,
  `${core}Traceback (most recent call last):`,
  `${core}  File "/vllm/v1/engine/core.py", line 1490, in run_engine_core`,
  `${core}  File "/usr/lib/python3/site-packages/${file}", line 3, in ${within}`,
  ...error.split('\n').map((line) => `${core}${line}`),
  '(APIServer pid=7) Traceback (most recent call last):',
  '(APIServer pid=7)   File "/vllm/entrypoints/launchers/api_server/entry.py", line 1, in build_async_engine_client',
  "(APIServer pid=7) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}",
]

const weights = ['vllm/model_executor/model_loader/weight_utils.py', 'safetensors_weights_iterator'] as const
const anywhere = ['vllm/x.py', 'f'] as const
const compiler = ['torch/_inductor/codecache.py', 'compile'] as const
const server = ['asyncio/base_events.py', 'create_server'] as const

describe('an error that nobody captured is named', () => {
  const rows: readonly [error: string, file: readonly [string, string], cause: string, permanent: boolean, says: RegExp][] = [
    // by the operating system's number, in Python's words and in Rust's
    [
      'safetensors_rust.SafetensorError: Error while deserializing header: I/O error: Input/output error (os error 5)',
      weights,
      'storage-io',
      false,
      /Input/,
    ],
    ['OSError: Stale file handle (os error 116)', weights, 'storage-io', false, /Stale/],
    ["OSError: [Errno 107] Transport endpoint is not connected: '/models'", weights, 'storage-io', false, /\/models/],
    ['OSError: Cannot allocate memory (os error 12)', weights, 'host-memory', true, /memory/],
    ['OSError: Is a directory (os error 21)', weights, 'weights-unreadable', true, /Is a directory/],
    ["OSError: [Errno 23] Too many open files in system: '/x'", anywhere, 'too-many-files', true, /ulimit/],
    ["OSError: [Errno 27] File too large: '/x'", compiler, 'file-limit', true, /fsize/],
    [
      "OSError: [Errno 40] Too many levels of symbolic links: '/m/config.json'",
      anywhere,
      'path-not-found',
      true,
      /\/m\/config\.json.*symbolic/,
    ],
    ["IsADirectoryError: [Errno 21] Is a directory: '/m'", anywhere, 'path-not-found', true, /\/m .*Is a directory/],
    ["PermissionError: [Errno 1] Operation not permitted: '/m'", anywhere, 'no-permission', true, /\/m/],
    ['TimeoutError: [Errno 110] Connection timed out', anywhere, 'network', false, /timed out/],
    // by ports and sockets that are not the API's
    ["zmq.error.ZMQError: Address already in use (addr='tcp://127.0.0.1:29550')", anywhere, 'port-busy', false, /29550.*VLLM_PORT/],
    [
      'torch.distributed.DistNetworkError: The server socket has failed to listen on any local network address. port: 29500, useIpv6: false, code: -98, name: EADDRINUSE, message: address already in use',
      anywhere,
      'port-busy',
      false,
      /29500.*master-port/,
    ],
    [
      "zmq.error.ZMQError: No such file or directory (addr='ipc:///nowhere/x')",
      anywhere,
      'no-temporary-directory',
      true,
      /\/nowhere\/x.*VLLM_RPC_BASE_PATH/,
    ],
    ['OSError: AF_UNIX path too long', server, 'bad-address', true, /too long/],
    ['OSError: [Errno 97] Address family not supported by protocol', server, 'bad-address', true, /AIM_HOST/],
    // by who is meant
    ["KeyError: 'getpwuid(): uid not found: 65532'", compiler, 'no-user', true, /65532.*USER/],
    [
      "PermissionError: [Errno 13] Permission denied: '/cache/torchinductor/x'",
      ['os.py', 'makedirs'],
      'no-permission',
      true,
      /\/cache\/torchinductor\/x/,
    ],
    ["PermissionError: [Errno 13] Permission denied: '/tmp/x/ninja'", ['subprocess.py', '_execute_child'], 'no-exec', false, /noexec/],
    [
      "torch._inductor.exc.InductorError: CppCompileError: C++ compile error\nCommand:\ng++ x\nOutput:\ncollect2: fatal error: cannot find 'ld'",
      compiler,
      'compiler-missing',
      true,
      /'ld'/,
    ],
    ['ValueError: Unknown vLLM environment variable detected: VLLM_FOO', anywhere, 'bad-variable', true, /VLLM_FOO/],
    ["ModuleNotFoundError: No module named 'vllm'", anywhere, 'engine-missing', true, /AIM_ENGINE_COMMAND/],
    ["subprocess.CalledProcessError: Command '['g++', 'x']' died with <Signals.SIGKILL: 9>.", compiler, 'killed', false, /memory limit/],
    ["subprocess.CalledProcessError: Command '['g++', 'x']' died with <Signals.SIGSEGV: 11>.", compiler, 'segfault', false, /native code/],
    ['EOFError: Ran out of input', ['torch/serialization.py', 'load'], 'corrupt-weights', true, /Ran out of input/],
    // by what cannot be split (vllm 0.32: layers/quantization/utils/fp8_utils.py, auto_awq.py, distributed/utils.py)
    [
      "ValueError: The output_size of gate's and up's weight = 320 is not divisible by weight quantization block_n = 128.",
      ['vllm/model_executor/layers/quantization/utils/fp8_utils.py', 'validate_fp8_block_shape_moe'],
      'parallel',
      true,
      /320 is not divisible by weight quantization block_n = 128.*AIM_GPU_COUNT.*enable-expert-parallel/,
    ],
    [
      'ValueError: Weight input_size_per_partition = 1848 is not divisible by weight quantization block_k = 128.',
      ['vllm/model_executor/layers/quantization/utils/fp8_utils.py', 'validate_fp8_block_shape'],
      'parallel',
      true,
      /1848.*AIM_GPU_COUNT/,
    ],
    [
      'ValueError: The input size is not aligned with the quantized weight shape. This can be caused by too large tensor parallel size.',
      ['vllm/model_executor/layers/quantization/auto_awq.py', 'create_weights'],
      'parallel',
      true,
      /not aligned.*AIM_GPU_COUNT/,
    ],
    ['AssertionError: 29568 is not divisible by 16', ['vllm/distributed/utils.py', 'ensure_divisibility'], 'parallel', true, /29568/],
    // by how the hub was asked for
    [
      'httpx.ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:992)',
      ['httpx/_transports/default.py', 'map_httpcore_exceptions'],
      'tls-trust',
      true,
      /SSL_CERT_FILE/,
    ],
    ['httpx2.ConnectError: [Errno -2] Name or service not known', ['httpx2/_transports/default.py', 'f'], 'hub-unreachable', false, /DNS/],
    // by what is not in the image
    ["AttributeError: module 'torch' has no attribute 'Tensor'", ['vllm/utils/__init__.py', '<module>'], 'library-missing', true, /torch/],
    [
      'RuntimeError: Mooncake is not available',
      ['vllm/distributed/kv_transfer/kv_connector/v1/mooncake/mooncake_connector.py', '__init__'],
      'package-missing',
      true,
      /does not have: Mooncake/,
    ],
    [
      "ModuleNotFoundError: No module named 'wheels'",
      ['vllm/utils/import_utils.py", line 122, in resolve_obj_by_qualname\n  File "/site/mine/worker.py', '<module>'],
      'package-missing',
      true,
      /does not have: wheels/,
    ],
    ["jinja2.exceptions.TemplateSyntaxError: unexpected '}'", anywhere, 'chat-template', true, /chat-template/],
    // by the part of the engine that raised it
    [
      'ValueError: HiSparse wants a pool',
      ['vllm/distributed/kv_transfer/kv_connector/factory.py', 'create_connector'],
      'connector',
      true,
      /HiSparse wants/,
    ],
    // what a connector meets at run time may be over at the next try
    [
      'RuntimeError: the peers went',
      ['vllm/distributed/kv_transfer/kv_connector/factory.py', 'create_connector'],
      'unknown',
      false,
      /the peers went/,
    ],
    [
      'OSError: the pool is gone',
      ['vllm/distributed/kv_transfer/kv_connector/factory.py', 'create_connector'],
      'unknown',
      false,
      /the pool is gone/,
    ],
    ['ValueError: no draft', ['vllm/v1/spec_decode/eagle.py', '__init__'], 'speculative-decoding', true, /no draft.*speculative-config/],
    ['TypeError: no adapter', ['vllm/lora/utils.py', 'get_lora'], 'adapter', true, /no adapter.*enable-lora/],
    [
      'pyo3_runtime.PanicException: called `Option::unwrap()` on a `None` value',
      ['transformers/tokenization_utils_fast.py', '__init__'],
      'no-tokenizer',
      true,
      /unwrap/,
    ],
    ['KeyError: 7', ['vllm/multimodal/registry.py', 'create_processor'], 'no-processor', true, /language-model-only/],
    [
      'NotImplementedError: no such scheme',
      ['vllm/model_executor/layers/quantization/quark.py', 'get_scheme'],
      'quantization',
      true,
      /no such scheme/,
    ],
    ['AssertionError: 3', ['vllm/compilation/backends.py', '__call__'], 'compile-failed', true, /enforce-eager/],
    // every model is built through the compiler's decorator
    ['ZeroDivisionError: integer modulo by zero', ['vllm/compilation/decorators.py', '__init__'], 'unknown', false, /integer modulo/],
    ['RuntimeError: the tensors differ', ['vllm/compilation/decorators.py', '__call__'], 'unknown', false, /the tensors differ/],
    ['RuntimeError: no device', ['torch/distributed/distributed_c10d.py', 'init_process_group'], 'collective', false, /no device/],
    ['ValueError: odd', ['vllm/v1/attention/backends/mla.py', '__init__'], 'attention-backend', true, /odd.*attention-backend/],
    [
      'RuntimeError: mat1 and mat2 shapes cannot be multiplied',
      ['vllm/v1/worker/gpu_model_runner.py', 'profile_run'],
      'first-pass',
      false,
      /mat1/,
    ],
    [
      'ValueError: no common size',
      ['vllm/v1/core/kv_cache_utils.py', 'get_kv_cache_configs'],
      'kv-cache',
      true,
      /no common size.*block-size/,
    ],
    [
      "AttributeError: 'LlamaConfig' object has no attribute 'foo'",
      ['vllm/model_executor/models/llama.py', '__init__'],
      'bad-config',
      true,
      /'foo'.*config\.json/,
    ],
    ['RuntimeError: no cores', ['vllm/platforms/cpu.py', 'check_and_update_config'], 'device', true, /no cores/],
    [
      'ValueError: Only one of them',
      ['vllm/config/vllm.py', '__post_init__'],
      'config-validation',
      true,
      /Only one of them.*AIM_ENGINE_ARGS/,
    ],
    [
      'ValueError: Invalid data-parallel launch options',
      ['vllm/engine/arg_utils.py', 'create_engine_config'],
      'config-validation',
      true,
      /launch options/,
    ],
    ['TypeError: no middleware', ['vllm/entrypoints/openai/api_server.py', 'build_app'], 'api-server', true, /no middleware/],
  ]
  for (const [error, file, cause, permanent, says] of rows)
    test(`${cause}: ${error.slice(0, 80)}`, () => {
      const meaning = explainExit({ code: 1, signal: null }, raised(error, ...file), false)
      assert.deepEqual([meaning.cause, meaning.permanent], [cause, permanent])
      assert.match(`${meaning.sentence} ${meaning.fix}`, says)
      assert.doesNotMatch(meaning.sentence, / \(\s*\)|: ?\)|[:;]$/, 'a gap that was not filled')
    })
})

describe('what is said by a shell, a loader or a C library is named', () => {
  const rows: readonly [line: string, cause: string][] = [
    ['vllm serve: error: one of the arguments is required', 'bad-argument'],
    ["/usr/bin/env: 'python3': No such file or directory", 'engine-missing'],
    ["python3: can't open file '/opt/vllm': [Errno 2] No such file or directory", 'engine-missing'],
    ['sh: 1: vllm: not found', 'engine-missing'],
    ["terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc", 'host-memory'],
    ["terminate called after throwing an instance of 'c10::Error'\n  what():  HIP error: out of memory", 'gpu-memory'],
    ["terminate called after throwing an instance of 'std::runtime_error'\n  what():  boom", 'aborted'],
    ['double free or corruption (!prev)', 'aborted'],
    ['Fatal Python error: init_fs_encoding: failed to get the Python codec of the filesystem encoding', 'library-missing'],
    ['Segmentation fault (core dumped)', 'segfault'],
    ['Bus error (core dumped)', 'bus-error'],
    ['Illegal instruction', 'illegal-instruction'],
    ['Killed', 'killed'],
  ]
  for (const [line, cause] of rows)
    test(`${cause}: ${line.split('\n')[0]}`, () =>
      assert.equal(explainExit({ code: 1, signal: null }, line.split('\n'), false).cause, cause))
  test('a program that the engine calls is not the engine', () =>
    assert.equal(explainExit({ code: 1, signal: null }, ['sh: 1: lscpu: not found'], false).cause, 'unknown'))
})

test('an error without a word is told by where it was raised', () => {
  const { cause, evidence } = explainExit(
    { code: 1, signal: null },
    raised('AssertionError', 'vllm/config/cache.py', '__post_init__'),
    false,
  )
  assert.equal(cause, 'config-validation')
  assert.match(evidence[0] ?? '', /config\/cache\.py/)
})

test('an error of the core wins over what the API server says of it, and over the part of the engine that it passed through', () => {
  const lines = raised('FrobnicationError: the frob is 3', ...anywhere)
  assert.equal(explainExit({ code: 1, signal: null }, lines, false).cause, 'unknown')
})
