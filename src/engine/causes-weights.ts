import type { Cause } from './cause.ts'
import { pullAgain } from './causes-model.ts'

/** Failures of what is loaded: weight files and adapters. */
export const weightCauses: readonly Cause[] = [
  {
    cause: 'corrupt-weights',
    pattern:
      /SafetensorError: Error while deserializing header: (?<what>(?!I\/O error).*)|Error while deserializing: (?<older>HeaderTooLarge|HeaderTooSmall|MetadataIncompleteBuffer|InvalidHeader\w*)/,
    sentence: 'a weight file is damaged: $<what> $<older> (cut off, empty, or a pointer instead of weights)',
    fix: pullAgain,
    remedy: 'mend-files',
  },
  {
    cause: 'corrupt-weights',
    pattern:
      /UnpicklingError: (?<what>[^.]*)|PytorchStreamReader failed (?<zip>.*)|Consistency check failed: (?<check>.*)|invalid load key/,
    sentence: 'a weight file is damaged or is no plain checkpoint: $<what> $<zip> $<check>',
    fix: `${pullAgain}; prefer a checkpoint in safetensors`,
    remedy: 'mend-files',
  },
  {
    cause: 'corrupt-weights',
    pattern: /JSONDecodeError: (?<what>.*)/,
    within: /index_file|filter_duplicate_safetensors|weight_utils\.py/,
    sentence: "the weights' index (model.safetensors.index.json) is not valid JSON: $<what>",
    fix: pullAgain,
    remedy: 'mend-files',
  },
  {
    cause: 'corrupt-weights',
    pattern: /^KeyError: 'weight_map'/,
    sentence: "the weights' index (model.safetensors.index.json) names no files: it has no weight_map",
    fix: pullAgain,
    remedy: 'mend-files',
  },
  {
    cause: 'corrupt-weights',
    pattern: /(?<what>(?:EOFError|struct\.error|zipfile\.BadZipFile|zlib\.error).*)/,
    within: /weights_iterator|weight_utils\.py|\/torch\/serialization\.py|gguf/,
    sentence: 'a weight file is damaged: $<what>',
    fix: pullAgain,
    remedy: 'mend-files',
  },
  {
    cause: 'weights-unreadable',
    // The reader's words (safetensors 0.8) for every file that it cannot open, one without permission as well.
    pattern:
      /FileNotFoundError: (?:\[Errno 2\] (?=.*\.(?:safetensors|bin|pt|pth|gguf)'))?No such file or directory: (?<path>\S+)|OSError: (?<why>.*) \(os error (?!5\)|12\)|24\)|28\)|107\)|116\)|121\))\d+\)/,
    sentence: 'a weight file cannot be opened: $<path> $<why> (this user may not read it, or it is a link to nothing)',
    fix: `let the user of the container read the cache (chmod -R a+rX, or fsGroup); ${pullAgain}`,
    remedy: 'mend-files',
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
      /LocalEntryNotFoundError(?!: An error happened while)|outgoing traffic has been disabled|offline mode is enabled|does not appear to have a file named (?<what>\S+?)\.? /,
    sentence: 'the engine runs offline and a file that it needs is not in the cache: $<what>',
    fix: 'let AIM Engine pull the whole model: AIM_MODEL_ID=org/name with HF_HUB_OFFLINE unset; a draft model, adapter or tokenizer named by its hub id must be in the cache as well',
    remedy: 'configure',
  },
  {
    cause: 'adapter',
    pattern:
      /LoRAAdapterNotFoundError: (?<what>.*)|(?<rank>LoRA rank \d+ is greater than max_lora_rank \d+)|(?<off>LoRA is not enabled)|(?<names>\S+ is unsupported LoRA weight)|(?<not>vLLM (?:does not yet support|only supports) .*?)\.?$|While loading (?<dir>\S+), expected target modules/m,
    sentence: 'a LoRA adapter cannot be used: $<what> $<rank> $<off> $<names> $<not> $<dir>',
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
]
