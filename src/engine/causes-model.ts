import type { Cause } from './cause.ts'

const pullAgain = 'fetch the model again: delete its folder in the cache, or set AIM_REVISION to a commit that is whole'

/** Failures of what is served: configuration, tokenizer, weights, adapters. */
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
    pattern: /Repo id must[^:]*: '(?<what>[^']*)'|LocalEntryNotFoundError|(?<id>\S+) is not a local folder and is not a valid/,
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
      /model type `(?<what>[^`]*)` but Transformers does not recognize|Cannot find model module\. '(?<module>[^']*)'|No model architectures are specified/,
    sentence: 'this engine does not know the model type $<what> $<module>',
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
      /(?<what>num_heads \(\d+\) is not divisible by num_kv_heads \(\d+\)|Unknown RoPE scaling type \S+|Missing required keys in `rope_parameters`.*?\})|alidation error for (?:field|validator) '(?<field>\w+)':\s*(?<why>.*)/,
    sentence: "the model's config.json holds what cannot be: $<field> $<why> $<what>",
    fix: `use the config.json that belongs to these weights; ${pullAgain}; "hf-overrides" in AIM_ENGINE_ARGS can replace single values`,
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
    cause: 'quantization',
    pattern:
      /(?:Unknown quantization method: |Invalid quantization method: )(?<what>[\w-]+)|(?<rocm>\S+) quantization is currently not supported in (?<on>\w+)|quantization method (?<gpu>\S+) is not supported for the current GPU/,
    sentence: 'the quantization $<what> $<rocm> $<gpu> does not run in this engine on this machine',
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
    cause: 'no-tokenizer',
    pattern:
      /Couldn't instantiate the backend tokenizer|Can't load tokenizer for|No tokenizer file found|No tokenizer registered for tokenizer_mode='(?<mode>[^']*)'|Tokenizer class (?<type>\S+) does not exist/,
    sentence: 'the model directory holds no usable tokenizer $<mode> $<type>',
    fix: 'add tokenizer.json, or name a tokenizer: AIM_ENGINE_ARGS=\'{"tokenizer": "/path"}\'; leave "tokenizer-mode" out unless the model asks for it',
    remedy: 'configure',
  },
  {
    cause: 'no-tokenizer',
    pattern: /(?<what>.{1,200})/,
    within: /(?:tokenization_\w+|tokenizers\/\w+|tokenizer_base)\.py", line \d+, in (?!.*(?:load_weights|_initialize_model))/,
    sentence: 'the tokenizer cannot be read: $<what>',
    fix: `tokenizer.json or tokenizer_config.json is damaged: ${pullAgain}`,
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'corrupt-weights',
    pattern:
      /SafetensorError: Error while deserializing header: (?<what>.*)|Error while deserializing: (?<older>HeaderTooLarge|HeaderTooSmall|MetadataIncompleteBuffer|InvalidHeader\w*)/,
    sentence: 'a weight file is damaged: $<what> $<older> (cut off, empty, or a pointer instead of weights)',
    fix: pullAgain,
    remedy: 'mend-storage',
  },
  {
    cause: 'corrupt-weights',
    pattern:
      /UnpicklingError: (?<what>[^.]*)|PytorchStreamReader failed (?<zip>.*)|Consistency check failed: (?<check>.*)|invalid load key/,
    sentence: 'a weight file is damaged or is no plain checkpoint: $<what> $<zip> $<check>',
    fix: `${pullAgain}; prefer a checkpoint in safetensors`,
    remedy: 'mend-storage',
  },
  {
    cause: 'corrupt-weights',
    pattern: /JSONDecodeError: (?<what>.*)/,
    within: /index_file|filter_duplicate_safetensors|weight_utils\.py/,
    sentence: "the weights' index (model.safetensors.index.json) is not valid JSON: $<what>",
    fix: pullAgain,
    remedy: 'mend-storage',
  },
  {
    cause: 'weights-unreadable',
    // The reader's words (safetensors 0.8) for every file that it cannot open, one without permission as well.
    pattern: /FileNotFoundError: No such file or directory: (?<path>\S+)/,
    sentence: 'a weight file cannot be opened: $<path> (this user may not read it, or it is a link to nothing)',
    fix: `let the user of the container read the cache (chmod -R a+rX, or fsGroup); ${pullAgain}`,
    remedy: 'mend-storage',
  },
  {
    cause: 'missing-file',
    pattern: /Weight files referenced in index but missing: \{(?<what>[^}]*)\}/,
    sentence: 'weight files that the index names are not there: $<what>',
    fix: pullAgain,
    remedy: 'configure',
  },
  {
    cause: 'missing-file',
    pattern: /Cannot find any model weights with `(?<what>[^`]*)`/,
    sentence: '$<what> holds no weights of the kind that was asked for',
    fix: `${pullAgain}; leave "load-format" out of AIM_ENGINE_ARGS`,
    remedy: 'configure',
  },
  {
    cause: 'missing-file',
    pattern:
      /LocalEntryNotFoundError|outgoing traffic has been disabled|offline mode is enabled|does not appear to have a file named (?<what>\S+?)\.? /,
    sentence: 'the engine runs offline and a file that it needs is not in the cache: $<what>',
    fix: 'let AIM Engine pull the whole model: AIM_MODEL_ID=org/name with HF_HUB_OFFLINE unset; a draft model, adapter or tokenizer named by its hub id must be in the cache as well',
    remedy: 'configure',
  },
  {
    cause: 'adapter',
    pattern:
      /LoRAAdapterNotFoundError: (?<what>.*)|(?<rank>LoRA rank \d+ is greater than max_lora_rank \d+)|(?<off>LoRA is not enabled)|(?<names>\S+ is unsupported LoRA weight)|While loading (?<dir>\S+), expected target modules/,
    sentence: 'a LoRA adapter cannot be used: $<what> $<rank> $<off> $<names> $<dir>',
    fix: 'in AIM_ENGINE_ARGS: "enable-lora": true, "lora-modules": ["name=/path/in/the/container"], "max-lora-rank" at least the adapter\'s; the adapter must be made for this model',
    remedy: 'configure',
  },
  {
    cause: 'adapter',
    pattern: /(?:Error|Exception)\b.*/,
    within: /in (?:add_lora|_load_adapter|add_adapter|from_local_dir|from_local_checkpoint)\b/,
    sentence: 'a LoRA adapter cannot be read',
    fix: 'check adapter_config.json and adapter_model.safetensors of what "lora-modules" in AIM_ENGINE_ARGS names',
    remedy: 'configure',
    weight: 'general',
  },
  {
    cause: 'weights-mismatch',
    pattern:
      /start \(\d+\) \+ length \(\d+\) exceeds dimension size|size mismatch for|There is no module or parameter named '(?<what>[^']*)'|weights were not initialized from checkpoint: \{(?<missing>[^}]*)\}|Tried to load weights of size (?<size>.*)|Attempted to load weight \(.*\) into parameter/,
    sentence: 'the weights are not those that config.json announces: $<what> $<missing> $<size>',
    fix: `use the config.json that belongs to these weights; ${pullAgain}`,
    remedy: 'configure',
  },
  {
    cause: 'weights-mismatch',
    pattern: /^(?:AssertionError|KeyError|RuntimeError|ValueError|IndexError)(?!.*out of memory)(?!.*Errno)/,
    within: /in (?:load_weights|weight_loader|_load_module|default_weight_loader|load_\w+_weight)\b(?![\s\S]*alloc)/,
    sentence: 'the weights do not have the shapes or names that config.json announces',
    fix: `use the config.json that belongs to these weights; ${pullAgain}`,
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
