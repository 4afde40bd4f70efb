import type { Cause } from './cause.ts'
import { whereArguments } from './causes-arguments.ts'

/** Failures of environment variables, of code that is loaded by its name, and of settings that are refused together. */
export const settingCauses: readonly Cause[] = [
  {
    cause: 'bad-variable',
    pattern: /VLLM_PORT '(?<what>[^']*)' appears to be a URI/,
    sentence: 'VLLM_PORT holds $<what>, which Kubernetes put there for a Service named vllm',
    fix: 'set enableServiceLinks: false in the pod, or give the Service another name',
    remedy: 'configure',
  },
  {
    cause: 'bad-variable',
    pattern:
      /Invalid value '(?<value>[^']*)' (?:for|in) (?<name>[A-Z]\w+)|(?<older>VLLM_\w+) '(?<other>[^']*)' must be|Unknown level: '(?<level>[^']*)'/,
    sentence: "the environment variable $<name> $<older> has a value that the engine does not take: '$<value>$<other>$<level>'",
    fix: 'correct it or leave it out; variables that begin with VLLM_ go to the engine as they are',
    remedy: 'configure',
  },
  {
    cause: 'bad-variable',
    pattern: /Value error, (?:invalid literal for int\(\) with base 10|could not convert string to float): '(?<value>[^']*)'/,
    sentence: "an environment variable of the engine is not a number: '$<value>'",
    fix: 'correct the VLLM_ variable that holds it (VLLM_CPU_KVCACHE_SPACE is in whole GiB)',
    remedy: 'configure',
  },
  {
    cause: 'bad-variable',
    pattern: /(?:invalid literal for int\(\) with base 10|could not convert string to float): '(?<value>[^']*)'/,
    within:
      /^[\s\S]*\/vllm\/envs\.py", [^\n]*\n[^\n]*getenv\("(?<name>\w+)"|\/vllm\/(?:envs\.py|platforms\/|utils\/ompmultiprocessing\.py|v1\/worker\/cpu_worker\.py)/,
    sentence: "an environment variable of the engine is not a number: $<name> '$<value>'",
    fix: 'correct the VLLM_ variable that holds it (VLLM_CPU_OMP_THREADS_BIND lists cores as 0-7 or 0,1)',
    remedy: 'configure',
  },
  {
    cause: 'bad-variable',
    pattern: /^Fatal Python error: \w+: (?<what>PYTHON[A-Z]+\b.*)/,
    sentence: 'Python refuses an environment variable: $<what>',
    fix: 'correct it or leave it out; `docker --env-file` keeps quotes as a part of the value',
    remedy: 'configure',
  },
  {
    cause: 'bad-variable',
    pattern: /Unknown vLLM environment variable detected: (?<name>\S+)/,
    sentence: 'this engine knows no environment variable $<name>',
    fix: 'correct its name or leave it out; VLLM_STRICT_ENV makes the engine refuse what it does not know',
    remedy: 'configure',
  },
  {
    cause: 'bad-variable',
    pattern: /Cannot re-initialize (?:CUDA|HIP) in forked subprocess/,
    sentence: 'the GPU was in use before the engine made its processes by fork',
    fix: 'set VLLM_WORKER_MULTIPROC_METHOD=spawn',
    remedy: 'configure',
  },
  {
    cause: 'no-sleep-mode',
    pattern: /Sleep mode is not supported on current platform|cumem allocator is not supported/,
    sentence: 'sleep mode does not work on this machine',
    fix: 'leave "enable-sleep-mode" out of AIM_ENGINE_ARGS',
    remedy: 'configure',
  },
  {
    cause: 'extension-missing',
    pattern: /^(?!FileNotFoundError)(?<what>\w+(?:Error|Exception)\b.*)/,
    within: /in import_from_path\b[\s\S]*in exec_module\b/,
    sentence: 'a plugin that was named cannot be loaded: $<what>',
    fix: '"tool-parser-plugin" or "reasoning-parser-plugin" in AIM_ENGINE_ARGS names a file that was made for this version of the engine; leave it out where the engine has the parser itself',
    remedy: 'configure',
  },
  {
    cause: 'extension-missing',
    pattern: /ModuleNotFoundError: No module named '(?<what>[^']*)'|ImportError: (?<import>.*)/,
    // Of a class by its name only the module itself: what that imports in turn is a package that is missing.
    within:
      /middleware|LogitsProcessor|logits_processor|load_general_plugins|platforms\/__init__\.py", line \d+, in __getattr__(?![\s\S]*\/vllm\/platforms\/\w+\.py", line \d+, in <module>)|tool_parser_plugin|reasoning_parser_plugin|in resolve_obj_by_qualname\b(?![\s\S]*in <module>)/i,
    sentence: 'a class, middleware, logits processor or plugin that was named is not in this image: $<what> $<import>',
    fix: 'correct or leave out "middleware", "logits-processors", "scheduler-cls", "worker-cls", "worker-extension-cls", "distributed-executor-backend" or VLLM_PLUGINS, or mount the module and set PYTHONPATH',
    remedy: 'configure',
  },
  {
    cause: 'package-missing',
    pattern:
      /ModuleNotFoundError: No module named '(?<what>[^']*)'|(?<other>Please install \S+ .*)|(?:Runtime|Import)Error: (?<library>\w+) is not (?:available|installed)\b/,
    sentence: 'the engine needs a Python package that this image does not have: $<what> $<other> $<library>',
    fix: 'leave out of AIM_ENGINE_ARGS what calls for it, or build an image with it',
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'config-validation',
    pattern: /\d+ validation errors? for (?<config>\w+)\n(?<field>[\w.]+)\n +(?<why>.+?) \[type=\w+, input_value=(?<value>.*?), input_type/,
    sentence: 'the engine refused $<field>=$<value>: $<why>',
    fix: `correct it in ${whereArguments}`,
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'config-validation',
    pattern: /Value error, (?<what>.{1,400}?)(?: \[type=value_error|$)/m,
    sentence: 'the engine refused its configuration: $<what>',
    fix: `correct in ${whereArguments} what the sentence names`,
    remedy: 'configure',
    weight: 'general',
  },
]
