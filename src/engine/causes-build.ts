import type { Cause } from './cause.ts'

/** Failures of what is built at start or was built for another place: kernels, compilers, libraries. */
export const buildCauses: readonly Cause[] = [
  {
    cause: 'aiter-build',
    pattern:
      /failed jit build \[(?<what>[^\]]*)\]|build \[(?<module>[^\]]*)\] under .* failed|aiter.*(?:hipcc|ninja).*(?:failed|not found)/,
    sentence: 'an AITER kernel could not be built: $<what> $<module>',
    fix: 'set VLLM_ROCM_USE_AITER=0 (or the switch of that kernel); leave AITER_JIT_DIR unset; HOME needs room and write permission',
    remedy: 'configure',
  },
  {
    cause: 'kernel-compile',
    pattern:
      /triton.*OutOfResources: (?<what>.*)|out of resource: (?<res>shared memory.*)|triton\.compiler\.errors\.(?<error>\w+.*)|CompilationError: at/,
    sentence: 'a Triton kernel could not be compiled for this GPU: $<what> $<res> $<error>',
    fix: 'choose another "attention-backend" or block-size in AIM_ENGINE_ARGS, or VLLM_ROCM_USE_AITER=1 where AITER knows this GPU',
    remedy: 'configure',
  },
  {
    cause: 'compiler-missing',
    pattern:
      /fatal error: (?<header>(?!\/)\S+): No such file|(?<part>cannot find (?:'ld'|-l\w+)|(?:cannot execute|error trying to exec) '?(?:cc1\w*|as|collect2))|(?:No working C\+\+ compiler|InvalidCxxCompiler|Failed to find C compiler|No such file or directory: '(?<tool>(?:\S*\/)?(?:g\+\+|gcc|cc|c\+\+|clang\S*|ninja|hipcc))')/,
    sentence: 'the engine compiles at start and found no compiler, or one without all its parts: $<header> $<part> $<tool>',
    fix: 'use the full image (gcc, g++ with libstdc++-dev, python3-dev), or AIM_ENGINE_ARGS=\'{"enforce-eager": true}\'',
    remedy: 'configure',
  },
  {
    cause: 'no-exec',
    pattern: /(?<what>\/\S+): failed to map segment from shared object/,
    sentence: 'code that was compiled cannot be run where it lies (the volume is mounted noexec): $<what>',
    fix: 'docker: --tmpfs /tmp:exec; or set VLLM_CACHE_ROOT, TMPDIR and TRITON_CACHE_DIR to a volume that allows execution; or AIM_ENGINE_ARGS=\'{"enforce-eager": true}\'',
    remedy: 'mend-storage',
  },
  {
    cause: 'no-exec',
    pattern: /PermissionError: \[Errno 13\] Permission denied: '(?<what>[^']*)'/,
    within: /in (?:_execute_child|_posix_spawn)\b/,
    sentence: 'a program cannot be run where it lies (the volume is mounted noexec, or the file is not executable): $<what>',
    fix: 'docker: --tmpfs /tmp:exec; or set VLLM_CACHE_ROOT, TMPDIR and TRITON_CACHE_DIR to a volume that allows execution; or AIM_ENGINE_ARGS=\'{"enforce-eager": true}\'',
    remedy: 'mend-storage',
  },
  {
    cause: 'disk-full',
    pattern:
      /error: (?:error writing to|opening output file|unable to \w+(?: output)? file:?) (?<path>[^\s:]+):? (?:No space left on device|Disk quota exceeded)|final link failed: (?:No space left|Disk quota)/,
    sentence: 'a disk is full where a compiler writes $<path>',
    fix: 'free space, or larger volumes: VLLM_CACHE_ROOT holds compiled code, TMPDIR what compilers write meanwhile',
    remedy: 'mend-storage',
  },
  {
    cause: 'compile-failed',
    pattern: /CppCompileError|InductorError|BackendCompilerFailed|torch\._dynamo\.exc\.(?<what>\w+)/,
    sentence: 'torch.compile failed $<what>',
    fix: 'AIM_ENGINE_ARGS=\'{"enforce-eager": true}\' does without it; remove what VLLM_CACHE_ROOT holds when a cache may be damaged; TMPDIR must allow execution',
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'library-missing',
    pattern:
      /(?<what>(?:\/\S+\/)?lib[\w.+-]+\.so[\w.]*): (?:cannot open shared object file|file too short|invalid ELF header)|version `?(?<version>(?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)'? not found|undefined symbol: (?<symbol>\S+)|cannot import name (?<name>'\w+' from .*)/,
    sentence: 'a library that the engine needs is missing or does not fit: $<what> $<version> $<symbol> $<name>',
    fix: 'image, ROCm and Python packages do not belong together: use the image as it was published; leave LD_LIBRARY_PATH and PYTHONPATH alone',
    remedy: 'configure',
  },
  {
    cause: 'library-missing',
    pattern: /^AttributeError: (?<what>(?:partially initialized )?module '\w+' has no attribute '\w+')/,
    within: /in <module>[^\n]*(?:\n[^\n]*)?$/,
    sentence: 'Python cannot load a module: $<what>',
    fix: 'image, Python and packages do not belong together: use the image as it was published; leave PYTHONPATH and PYTHONHOME alone; code that the model brings must be made for this Python',
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'library-missing',
    pattern: /(?<!\w)(?:ImportError|SyntaxError|IndentationError): (?<what>.*)|Fatal Python error: (?<python>(?!Segm|Bus|Illegal|Abort).*)/,
    sentence: 'Python cannot load a module: $<what> $<python>',
    fix: 'image, Python and packages do not belong together: use the image as it was published; leave PYTHONPATH and PYTHONHOME alone; code that the model brings must be made for this Python',
    remedy: 'configure',
    weight: 'general',
  },
]
