import type { Cause } from './cause.ts'

/** What mends files that are damaged or belong to another model. */
export const pullAgain = 'fetch the model again: delete its folder in the cache, or set AIM_REVISION to a commit that is whole'

/** Failures of what describes the model: configuration, code, tokenizer. */
export const modelCauses: readonly Cause[] = [
  {
    cause: 'bad-config',
    pattern: /config file at '(?<path>[^']+)' is not a valid JSON file/,
    sentence: '$<path> is not valid JSON (cut off, empty, or a Git LFS pointer)',
    fix: pullAgain,
    remedy: 'configure',
  },
  {
    cause: 'no-tokenizer',
    pattern:
      /Repo id must[^:]*: '(?<what>[^']*)'|LocalEntryNotFoundError(?!: An error happened while)|(?<id>\S+) is not a local folder and is not a valid/,
    within: /tokenizers?\/|tokenizer_config|_tokenizer\b|self\.tokenizer = get_model_path/,
    sentence: 'the tokenizer that was named ($<what>$<id>) is neither a directory in this container nor in the cache',
    fix: 'correct or leave out "tokenizer" in AIM_ENGINE_ARGS',
    remedy: 'configure',
  },
  {
    cause: 'model-not-found',
    pattern: /Repo id must (?:be in the form|use alphanumeric)[^:]*: '(?<what>[^']*)'/,
    sentence: "'$<what>' is neither a directory in this container nor a model id",
    fix: 'set AIM_MODEL_ID to org/name or to an absolute path that is mounted; check the paths in AIM_ENGINE_ARGS as well',
    remedy: 'configure',
  },
  {
    cause: 'model-not-found',
    pattern: /Invalid repository ID or local directory specified: '(?<what>[^']*)'/,
    sentence: "'$<what>' holds no config.json, or is neither a directory in this container nor a model id",
    fix: 'set AIM_MODEL_ID to org/name or to a directory with config.json; check the paths in AIM_ENGINE_ARGS as well',
    remedy: 'configure',
  },
  {
    cause: 'model-not-found',
    pattern:
      /Repository Not Found for url: (?<what>\S+)|Client error '404 Not Found' for url '(?<http>[^']*)'|(?<id>\S+) is not a local folder and is not a valid model identifier|RevisionNotFoundError|Revision Not Found for url: (?<url>\S+)/,
    sentence: 'the hub has no such model or revision: $<what> $<id> $<url> $<http>',
    fix: 'correct AIM_MODEL_ID or AIM_REVISION; for a private model set HF_TOKEN',
    remedy: 'configure',
  },
  {
    cause: 'missing-file',
    pattern: /Failed to load mistral '(?<what>[^']*)'/,
    sentence: "the model does not come in Mistral's own format: there is no $<what>",
    fix: 'leave "config-format", "load-format" and "tokenizer-mode" out of AIM_ENGINE_ARGS',
    remedy: 'configure',
  },
  {
    cause: 'bad-config',
    pattern: /Value error, (?<what>(?:Expecting|Extra data|Unterminated|Invalid (?:control|\\)).*?\(char \d+\))/,
    sentence: 'a JSON file of the model is damaged: $<what>',
    fix: `one of config.json, modules.json, config_sentence_transformers.json and 1_Pooling/config.json: ${pullAgain}`,
    remedy: 'configure',
  },
  {
    cause: 'remote-code',
    pattern: /pass the argument `?trust_remote_code=True|by setting `?trust_remote_code|Do you wish to run the custom code/,
    sentence: 'the model brings code of its own, which is not run unless you say so',
    fix: 'when you trust it: AIM_ENGINE_ARGS=\'{"trust-remote-code": true}\'',
    remedy: 'configure',
  },
  {
    cause: 'package-missing',
    pattern: /requires the following packages that were not found in your environment: (?<what>.+?)\. Run/,
    sentence: "the model's own code needs Python packages that this image does not have: $<what>",
    fix: 'build an image with `pip install $<what>` on top of this one',
    remedy: 'configure',
  },
  {
    cause: 'unknown-architecture',
    pattern:
      /Model architectures? \[?'?(?<what>\w+(?:', '\w+)*)'?\]? (?:are not supported|failed to be inspected|was supported in vLLM until|is not supported)/,
    sentence: 'this engine does not know the model architecture $<what>',
    fix: 'use an image whose vLLM knows it (a newer one, as a rule), or another model in AIM_MODEL_ID',
    remedy: 'configure',
  },
  {
    cause: 'unknown-architecture',
    pattern:
      /model type `(?<what>[^`]*)` but Transformers does not recognize|Cannot find model module\. '(?<module>[^']*)'|No model architectures are specified|Argument \w+ not found in the forward method of <class '(?<class>[^']*)'/,
    sentence: 'this engine does not know the model type $<what> $<module> $<class>',
    fix: 'use an image with newer transformers and vLLM, or another model in AIM_MODEL_ID',
    remedy: 'configure',
  },
  {
    cause: 'bad-config',
    pattern: /Should have a `model_type` key in its config\.json/,
    sentence: "the model's config.json names no model_type: it is not a whole model configuration",
    fix: `${pullAgain}; a LoRA adapter or a part of a pipeline cannot be served by itself`,
    remedy: 'configure',
  },
  {
    cause: 'bad-config',
    pattern:
      /(?<what>num_heads \(\d+\) is not divisible by num_kv_heads \(\d+\)|Unknown RoPE scaling type \S+|Unsupported activation: \S+|Activation function \S+ is not supported|Missing required keys in `rope_parameters`.*?\})|alidation error for (?:field|validator) '(?<field>\w+)':\s*(?<why>.*)/,
    sentence: "the model's config.json holds what cannot be: $<field> $<why> $<what>",
    fix: `use the config.json that belongs to these weights; ${pullAgain}; "hf-overrides" in AIM_ENGINE_ARGS can replace single values`,
    remedy: 'configure',
  },
  {
    cause: 'bad-config',
    pattern: /validation errors? for ModelConfig\n(?<field>architectures)\n *(?<why>.+?)(?: \[type=|$)/,
    sentence: "the model's config.json holds what cannot be: $<field> $<why>",
    fix: `use the config.json that belongs to these weights; ${pullAgain}`,
    remedy: 'configure',
  },
  {
    cause: 'bad-config',
    pattern: /^(?<what>\w+(?:Error|Exception)\b.*)/,
    within: /\/generation\/configuration_utils\.py|in try_get_generation_config\b/,
    sentence: 'generation_config.json cannot be read: $<what>',
    fix: `${pullAgain}; AIM_ENGINE_ARGS='{"generation-config": "vllm"}' does without it`,
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'dtype',
    pattern: /Error parsing config for .*: module 'torch' has no attribute '(?<type>\w+)'/,
    sentence: "the model's config.json names a number format that PyTorch does not have: $<type>",
    fix: `write "bfloat16", "float16" or "float32" there as "dtype" (or "torch_dtype"), or ${pullAgain}`,
    remedy: 'configure',
  },
  {
    cause: 'dtype',
    pattern:
      /does not support float16|Unknown dtype: (?<what>\S+)|module 'torch' has no attribute '(?<type>\w*float\w*)'|Bfloat16 is only supported on GPUs|(?<quant>torch\.\w+) is not supported for quantization method/,
    sentence: 'the number format $<what> $<type> $<quant> does not go with this model, quantization or GPU',
    fix: 'AIM_ENGINE_ARGS=\'{"dtype": "bfloat16"}\' (or "float16" for awq and gptq)',
    remedy: 'configure',
  },
  {
    cause: 'quantization-mismatch',
    pattern:
      /Quantization method specified in the model config \((?<is>[^)]*)\) does not match the quantization method specified in the `quantization` argument \((?<asked>[^)]*)\)/,
    sentence: 'the checkpoint is quantized by $<is>, but $<asked> was asked for',
    fix: 'leave "quantization" out of AIM_ENGINE_ARGS: the engine reads it from the checkpoint',
    remedy: 'configure',
  },
  {
    cause: 'quantization-mismatch',
    pattern:
      /Cannot find the config file for (?<asked>\S+)|Cannot find any of (?<keys>\[[^\]]*\]) in the model's quantization config|(?<quark>The export key should be included in the configurations of Quark)/,
    sentence: 'the checkpoint does not carry what the quantization $<asked> needs $<keys>',
    fix: 'leave "quantization" out of AIM_ENGINE_ARGS, or choose a checkpoint that was quantized this way',
    remedy: 'configure',
  },
  {
    cause: 'parallel',
    // Quantized in blocks or groups, of which each rank needs whole ones; and vllm/distributed/utils.py, ensure_divisibility.
    pattern:
      /(?<what>(?:Weight \w+partition\w*|The output_size of gate's and up's weight|The input_size of down's weight) = \d+ is not divisible by weight quantization block_\w = \d+)|(?<groups>The (?:in|out)put size is not aligned with the quantized weight shape)|^AssertionError: (?<sizes>\d+ is not divisible by \d+)/,
    sentence: 'the weights cannot be split into as many whole parts as there are GPUs: $<what> $<groups> $<sizes>',
    fix: 'set AIM_GPU_COUNT (tensor-parallel-size) to less; experts can be spread instead of split: AIM_ENGINE_ARGS=\'{"enable-expert-parallel": true}\'; on one GPU already, choose another checkpoint or AIM_PRECISION',
    remedy: 'configure',
  },
  {
    cause: 'quantization',
    pattern:
      /(?:Unknown quantization method: |Invalid quantization method: )(?<what>[\w-]+)|(?<bits>Unsupported num_bits = .*?)\. |(?<only>Currently, only .*?weight quantization is supported[^.]*)|(?<rocm>\S+) quantization is currently not supported in (?<on>\w+)|quantization method (?<gpu>\S+) is not supported for the current GPU|Value error, (?<scheme>Unsupported (?:activation scheme|weight quant key|activation quant key|quantization config).*?|moe_wna16 only support.*?)(?: \[type=|$)/m,
    sentence:
      'the quantization $<what> $<rocm> $<gpu> of this checkpoint does not run in this engine on this machine: $<bits> $<only> $<scheme>',
    fix: 'choose another checkpoint of this model in AIM_MODEL_ID (fp8, awq and gptq run on ROCm), or another AIM_PRECISION',
    remedy: 'configure',
  },
  {
    cause: 'quantization',
    pattern: /Failed to find a kernel that can implement the (?<layer>[^.\n]+)\. Reasons:\s*(?<why>[\s\S]*)/,
    sentence: 'the quantization of this checkpoint has no kernel on this machine for a $<layer>: $<why>',
    fix: 'choose another checkpoint of this model in AIM_MODEL_ID (fp8, awq and gptq run on ROCm), or another AIM_PRECISION',
    remedy: 'configure',
  },
  {
    cause: 'kernel-missing',
    pattern:
      /(?<what>_\w*C::\w+)\(\) expected at most|'_OpNamespace' '_\w*C' object has no attribute '(?<op>\w+)'|Could not run '(?<run>[\w:.]+)' with arguments from the '\w+' backend/,
    sentence: 'this build of the engine lacks a kernel that the model needs: $<what> $<op> $<run>',
    fix: 'choose another precision (AIM_PRECISION) or checkpoint, or an image built for this GPU',
    remedy: 'configure',
  },
  {
    cause: 'wrong-task',
    pattern: /(?:does|do) not support `--runner (?<what>\w+)`|Unsupported task: (?<task>\S+)|This model does not support `--convert/,
    sentence: 'the model is not made for this use ($<what> $<task>)',
    fix: 'leave "runner" and "convert" out of AIM_ENGINE_ARGS: an embedding model wants "runner": "pooling", a chat model "generate"',
    remedy: 'configure',
  },
  {
    cause: 'no-processor',
    pattern:
      /Can't load (?:the )?(?<what>image processor|feature extractor|video processor|processor) for '(?<path>[^']*)'|Unrecognized (?:image|video)? ?processor in (?<where>\S+)/,
    sentence: 'the model takes images, video or sound, but its $<what> configuration is missing',
    fix: `add preprocessor_config.json; ${pullAgain}; for text alone: AIM_ENGINE_ARGS='{"language-model-only": true}'`,
    remedy: 'configure',
  },
  {
    cause: 'chat-template',
    pattern: /chat template string \((?<what>[^)]*)\) appears path-like, but doesn't exist/,
    sentence: 'the chat template $<what> is not in this container',
    fix: 'mount it and give its absolute path as "chat-template" in AIM_ENGINE_ARGS',
    remedy: 'configure',
  },
  {
    cause: 'chat-template',
    pattern: /jinja2\.exceptions\.\w+: (?<what>.*)/,
    sentence: 'the chat template cannot be read: $<what>',
    fix: `correct "chat-template" in AIM_ENGINE_ARGS; the model's own stands in chat_template.jinja or tokenizer_config.json: ${pullAgain}`,
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'no-tokenizer',
    pattern:
      /Couldn't instantiate the backend tokenizer|Can't load tokenizer for|No tokenizer file found|No tokenizer registered for tokenizer_mode='(?<mode>[^']*)'|Tokenizer class (?<type>\S+) does not exist/,
    sentence: 'the model directory holds no usable tokenizer $<mode> $<type>',
    fix: 'add tokenizer.json, or name a tokenizer: AIM_ENGINE_ARGS=\'{"tokenizer": "/path"}\'; leave "tokenizer-mode" out unless the model asks for it',
    remedy: 'configure',
  },
  {
    cause: 'no-tokenizer',
    pattern: /data did not match any variant of untagged enum (?<part>\w+)/,
    sentence: 'this engine cannot read the tokenizer.json of the model ($<part>)',
    fix: `it was made by a newer tokenizers: use an image with newer transformers and vLLM; or it is damaged: ${pullAgain}`,
    remedy: 'configure',
  },
  {
    cause: 'no-tokenizer',
    pattern: /^(?!PermissionError)(?<what>.{1,200})/,
    within: /(?:tokenization_\w+|tokenizers\/\w+|tokenizer_base)\.py", line \d+, in (?!.*(?:load_weights|_initialize_model))/,
    sentence: 'the tokenizer cannot be read: $<what>',
    fix: `tokenizer.json or tokenizer_config.json is damaged: ${pullAgain}`,
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'bad-config',
    pattern: /Error parsing config for (?<path>\S+): (?<what>.*?)(?:, retrying \d+ of \d+)?$/m,
    sentence: 'the configuration of the model cannot be read: $<what>',
    fix: pullAgain,
    remedy: 'configure',
    weight: 'general',
  },
]
