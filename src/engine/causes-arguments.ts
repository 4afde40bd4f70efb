import type { Cause } from './cause.ts'

/** Where a person corrects an argument. */
export const whereArguments = 'AIM_ENGINE_ARGS, AIM_ENGINE_EXTRA_ARGS or the profile'

/** Failures of what was asked for: flags, values, what does not go together. */
export const argumentCauses: readonly Cause[] = [
  {
    cause: 'bad-argument',
    pattern: /error: (?<what>unrecognized arguments: .*)/,
    sentence: 'the engine refused its command line: $<what>',
    fix: `correct ${whereArguments}; a switch takes no value there (true or false in AIM_ENGINE_ARGS); \`vllm serve --help=all\` lists what this engine takes`,
    remedy: 'configure',
  },
  {
    cause: 'bad-argument',
    pattern: /error: argument (?<flag>[\w/-]+): \d+ validation errors? for \w+\n(?<field>\S*)\n? *(?<why>.+?)(?: \[type=|$)/,
    sentence: 'the engine refused the value of $<flag>: $<field> $<why>',
    fix: `correct it in ${whereArguments}; an object is one JSON word there`,
    remedy: 'configure',
  },
  {
    cause: 'bad-argument',
    pattern:
      /error: (?<what>argument .*|.*invalid choice: .*|.*expected .* argument.*|Invalid (?:JSON format|fields).*|the following arguments are required.*|ambiguous option.*)/,
    sentence: 'the engine refused its command line: $<what>',
    fix: `correct ${whereArguments}; \`vllm serve --help=all\` lists what this engine takes`,
    remedy: 'configure',
  },
  {
    cause: 'bad-argument',
    pattern: /^(?:vllm|api_server\.py)[^\n:]*: error: (?<what>.+)/,
    sentence: 'the engine refused its command line: $<what>',
    fix: `correct ${whereArguments}; \`vllm serve --help=all\` lists what this engine takes`,
    remedy: 'configure',
  },
  {
    cause: 'bad-config',
    pattern: /greater than the derived max_model_len \((?<from>\w+)=(?<value>-[\d.]+|0\b)/,
    sentence: "the model's config.json says $<from>=$<value>, which no context fits",
    fix: 'use the config.json that belongs to these weights; "hf-overrides" in AIM_ENGINE_ARGS can replace single values',
    remedy: 'configure',
  },
  {
    cause: 'context-too-long',
    pattern: /User-specified max_model_len \((?<asked>\d+)\) is greater than the derived max_model_len \((?<from>\w+)=(?<fits>\d+)/,
    sentence: 'the context asked for ($<asked> tokens) is longer than the model allows ($<fits>)',
    fix: 'set AIM_MAX_MODEL_LEN=$<fits> or less',
    remedy: 'configure',
  },
  {
    cause: 'context-too-long',
    pattern: /User-specified max_model_len \((?<asked>\d+)\) is greater than the derived max_model_len/,
    sentence: 'the context asked for ($<asked> tokens) is longer than the model allows',
    fix: 'lower AIM_MAX_MODEL_LEN to what the model was made for',
    remedy: 'configure',
  },
  {
    cause: 'batched-tokens-too-small',
    pattern:
      /max_num_batched_tokens \((?<batched>\d+)\) (?:is smaller than max_model_len|must be greater than or equal to max_num_seqs) \((?<least>\d+)\)/,
    sentence: 'max-num-batched-tokens ($<batched>) is smaller than the $<least> that the other arguments call for',
    fix: 'AIM_ENGINE_ARGS=\'{"max-num-batched-tokens": $<least>}\', or lower AIM_MAX_MODEL_LEN or max-num-seqs',
    remedy: 'configure',
  },
  {
    cause: 'heads-not-divisible',
    pattern: /Total number of attention heads \((?<heads>\d+)\) must be divisible by tensor parallel size \((?<tp>\d+)\)/,
    sentence: "the model's $<heads> attention heads cannot be split over $<tp> GPUs",
    fix: 'set AIM_GPU_COUNT (or tensor-parallel-size) to a number that divides $<heads>',
    remedy: 'configure',
  },
  {
    cause: 'parallel',
    pattern:
      /(?<numa>Not enough allowed NUMA nodes to bind threads of \d+ local CPUWorkers)|(?<pipeline>Pipeline parallelism is not supported for this model)|(?<experts>Number of experts in the model must be greater than 0)|(?<odd>world size .* is not divisible by .*|expert parallel\w* requires .*)/i,
    sentence: 'the model cannot be split as asked: $<numa> $<pipeline> $<experts> $<odd>',
    fix: 'set AIM_GPU_COUNT=1, or leave pipeline-parallel-size and enable-expert-parallel out of AIM_ENGINE_ARGS; on a CPU bind ranks by VLLM_CPU_OMP_THREADS_BIND="0|1"',
    remedy: 'configure',
  },
  {
    cause: 'too-few-gpus',
    pattern:
      /invalid device ordinal|local_world_size .* must be less than or equal|[Ww]orld size \((?<asked>\d+)\) is larger than the number of available|is out of bounds\. Visible/,
    sentence: 'the engine was to use more GPUs $<asked> than it can see',
    fix: 'set AIM_GPU_COUNT to what `aim gpus` lists, or widen HIP_VISIBLE_DEVICES',
    remedy: 'change-machine',
  },
  {
    cause: 'speculative-decoding',
    pattern:
      /(?:validation error for SpeculativeConfig\n(?:(?<field>\w+)\n)? *(?<what>(?!.*Invalid repository).+?)(?: \[type=|$))|Unsupported speculative method: '?(?<method>[^'\n]*)/,
    sentence: 'speculative decoding cannot be set up: $<field> $<what> $<method>',
    fix: 'correct or leave out "speculative-config" in AIM_ENGINE_ARGS; it names a method that the model has, a draft model in the cache, and num_speculative_tokens',
    remedy: 'configure',
  },
  {
    cause: 'speculative-decoding',
    pattern: /validation error for SpeculativeConfig\n *Value error, Invalid repository ID or local directory specified: '(?<path>[^']*)'/,
    sentence: "the draft model '$<path>' is neither a directory in this container nor in the cache",
    fix: 'correct "model" of "speculative-config" in AIM_ENGINE_ARGS',
    remedy: 'configure',
  },
  {
    cause: 'parser-unknown',
    pattern:
      /invalid (?<kind>tool call|reasoning) parser: (?<what>\S+)|(?<kind2>Tool|Reasoning) parser '(?<name>[^']*)' not found|--enable-auto-tool-choice requires --tool-call-parser/i,
    sentence: 'there is no $<kind> $<kind2> parser $<what> $<name> in this engine',
    fix: 'correct "tool-call-parser" or "reasoning-parser" in AIM_ENGINE_ARGS or the profile; "enable-auto-tool-choice" needs the first',
    remedy: 'configure',
  },
  {
    cause: 'attention-backend',
    pattern:
      /Unknown attention backend: '(?<what>[^']*)'|Selected backend (?<selected>\S+) is not valid for this configuration\. Reason: (?<why>.*)|No valid (?:MLA prefill |attention )backend found.*?Reasons?: (?<reasons>.*)|Invalid attention backend for (?<on>.*)/,
    sentence: 'no attention kernel fits: $<what> $<selected> $<why> $<reasons> $<on>',
    fix: 'leave "attention-backend" (and VLLM_ATTENTION_BACKEND) out, or choose another kv-cache-dtype or block-size in AIM_ENGINE_ARGS',
    remedy: 'configure',
  },
  {
    cause: 'block-size',
    pattern: /No common block size for (?<asked>\d+) \((?<why>.*)\)|[Bb]lock size \(?(?<size>\d+)\)? (?:must be|is not)/,
    sentence: 'the KV block size $<asked> $<size> does not fit the attention kernel $<why>',
    fix: 'leave "block-size" out of AIM_ENGINE_ARGS (16 and 64 suit most kernels, 128 the CPU)',
    remedy: 'configure',
  },
  {
    cause: 'connector',
    pattern: /Unsupported connector type: (?<what>\S+)|Please specify kv_role when kv_connector is set/,
    sentence: 'the KV connector $<what> cannot be set up',
    fix: 'correct "kv-transfer-config" in AIM_ENGINE_ARGS: kv_connector of this engine and kv_role (kv_producer, kv_consumer, kv_both)',
    remedy: 'configure',
  },
  {
    cause: 'package-missing',
    pattern: /Failed to import Ray|No module named 'ray'/,
    sentence: 'Ray was asked for and is not in this image',
    fix: 'leave "distributed-executor-backend" out of AIM_ENGINE_ARGS ("mp" serves one node and several)',
    remedy: 'configure',
  },
  {
    cause: 'bad-argument',
    pattern: /Load format `(?<what>[^`]*)` is not supported/,
    sentence: 'the engine knows no load format $<what>',
    fix: 'leave "load-format" out of AIM_ENGINE_ARGS',
    remedy: 'configure',
  },
  {
    cause: 'bad-argument',
    pattern: /Could not load logging config\. File does not exist: %s', '(?<what>[^']*)'/,
    sentence: 'the logging configuration $<what> is not there',
    fix: 'correct "log-config-file" in AIM_ENGINE_ARGS or VLLM_LOGGING_CONFIG_PATH, or leave it out',
    remedy: 'configure',
  },
  {
    cause: 'bad-argument',
    pattern: /Config file must be of a yaml\/yml type\. (?<what>\S+)|yaml\.(?:parser|scanner)\.\w+: (?<yaml>[\s\S]*)/,
    sentence: 'the configuration file of the engine cannot be read: $<what> $<yaml>',
    fix: 'leave "config" out of AIM_ENGINE_ARGS: its keys can stand there themselves; or mount a file that ends in .yaml',
    remedy: 'configure',
  },
]
