import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One way to make the real vLLM fail to start, and the cause that must be named. In `argv` and `env`, MODEL is the copy's folder, SCRATCH an empty one, BUSY a port that is taken, HUB the address of a hub. */
export type FailedStart = {
  readonly name: string
  readonly cause: string
  /** What the sentence and the fix must say, where the cause alone says too little. */
  readonly says?: RegExp
  /** Breaks a copy of the tiny model. */
  readonly edit?: (directory: string) => void
  /** Served instead of the copy. */
  readonly model?: string
  /** After the model; `--compile` stands for a start without --enforce-eager. */
  readonly argv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Run by a shell before the engine, in a mount namespace of its own, with $MODEL and $SCRATCH. */
  readonly inside?: string
  readonly limits?: Readonly<Record<string, number>>
  /** Sent to the process whose lines begin with this name once the log holds `when`. */
  readonly kill?: { readonly signal: NodeJS.Signals; readonly process: string; readonly when: RegExp }
  /** HTTP status that HUB answers everything with. */
  readonly hub?: number
  /** What fails by the first import needs a Python of its own, started by these words: a minute instead of seconds. */
  readonly cold?: readonly string[]
}

type Fields = Record<string, unknown>

const json = (directory: string, file: string, change: (fields: Fields) => Fields): void => {
  const path = join(directory, file)
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8'))), null, 2))
}
const config =
  (changes: Fields) =>
  (directory: string): void =>
    json(directory, 'config.json', (fields) => ({ ...fields, ...changes }))
const write =
  (file: string, text: string | Uint8Array) =>
  (directory: string): void =>
    writeFileSync(join(directory, file), text)
const remove =
  (...files: string[]) =>
  (directory: string): void => {
    for (const file of files) rmSync(join(directory, file), { recursive: true })
  }
/** Rewrites the header of the weights: names, types and shapes of the tensors. */
const header =
  (change: (tensors: Fields) => Fields) =>
  (directory: string): void => {
    const path = join(directory, 'model.safetensors')
    const bytes = readFileSync(path)
    const length = Number(bytes.readBigUInt64LE(0))
    const text = Buffer.from(JSON.stringify(change(JSON.parse(bytes.toString('utf8', 8, 8 + length)))))
    const size = Buffer.alloc(8)
    size.writeBigUInt64LE(BigInt(text.length))
    writeFileSync(path, Buffer.concat([size, text, bytes.subarray(8 + length)]))
  }
const all =
  (...edits: ((directory: string) => void)[]) =>
  (directory: string): void => {
    for (const edit of edits) edit(directory)
  }
const adapter = (fields: Fields) => (directory: string) => {
  mkdirSync(join(directory, 'adapter'))
  writeFileSync(join(directory, 'adapter/adapter_config.json'), JSON.stringify(fields))
  cpSync(join(directory, 'model.safetensors'), join(directory, 'adapter/adapter_model.safetensors'))
}
const pointer =
  'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n'

/** Every way that we found. */
export const failedStarts: readonly FailedStart[] = [
  // configuration
  { name: 'config-not-json', cause: 'bad-config', edit: write('config.json', '{"model_type": "llama",') },
  { name: 'config-missing', cause: 'model-not-found', edit: remove('config.json') },
  { name: 'config-empty', cause: 'bad-config', edit: write('config.json', '{}') },
  { name: 'config-no-file-content', cause: 'bad-config', edit: write('config.json', '') },
  { name: 'config-lfs-pointer', cause: 'bad-config', edit: write('config.json', pointer) },
  { name: 'architecture-unknown', cause: 'unknown-architecture', edit: config({ architectures: ['FooForCausalLM'] }) },
  { name: 'model-type-unknown', cause: 'unknown-architecture', edit: config({ model_type: 'foo', architectures: ['FooForCausalLM'] }) },
  { name: 'field-wrong-type', cause: 'bad-config', edit: config({ hidden_size: 'big' }) },
  { name: 'field-missing-heads', cause: 'bad-config', edit: config({ num_attention_heads: 0 }) },
  { name: 'heads-kv-mismatch', cause: 'bad-config', edit: config({ num_key_value_heads: 3 }) },
  { name: 'head-size-odd', cause: 'bad-config', edit: config({ head_dim: 33 }) },
  { name: 'dtype-config-unknown', cause: 'dtype', edit: config({ torch_dtype: 'float99', dtype: 'float99' }) },
  { name: 'rope-unknown', cause: 'bad-config', edit: config({ rope_parameters: { rope_type: 'wobbly', factor: 2 } }) },
  { name: 'rope-incomplete', cause: 'bad-config', edit: config({ rope_parameters: { rope_type: 'yarn' } }) },
  {
    name: 'quantization-unknown',
    cause: 'quantization',
    edit: config({ quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } }),
  },
  { name: 'quantization-gptq-incomplete', cause: 'quantization-mismatch', edit: config({ quantization_config: { quant_method: 'gptq' } }) },
  {
    name: 'quantization-mismatch',
    cause: 'quantization-mismatch',
    edit: config({ quantization_config: { quant_method: 'gptq', bits: 4, group_size: 128, desc_act: false } }),
    argv: ['--quantization', 'awq'],
  },
  { name: 'quantization-quark', cause: 'quantization-mismatch', edit: config({ quantization_config: { quant_method: 'quark' } }) },
  {
    name: 'remote-code',
    cause: 'remote-code',
    edit: config({
      model_type: 'mine',
      architectures: ['MineForCausalLM'],
      auto_map: { AutoConfig: 'configuration_mine.MineConfig', AutoModelForCausalLM: 'modeling_mine.MineForCausalLM' },
    }),
  },
  {
    name: 'remote-code-trusted-missing',
    cause: 'missing-file',
    edit: config({ model_type: 'mine', architectures: ['MineForCausalLM'], auto_map: { AutoConfig: 'configuration_mine.MineConfig' } }),
    argv: ['--trust-remote-code'],
  },
  {
    name: 'remote-code-trusted-import',
    cause: 'package-missing',
    edit: all(
      config({ model_type: 'mine', architectures: ['MineForCausalLM'], auto_map: { AutoConfig: 'configuration_mine.MineConfig' } }),
      write('configuration_mine.py', 'import tiktoken_nowhere\nclass MineConfig: pass\n'),
    ),
    argv: ['--trust-remote-code'],
  },
  { name: 'generation-config-missing-path', cause: 'model-not-found', argv: ['--generation-config', '/nowhere'] },
  {
    name: 'vision-without-processor',
    cause: 'no-processor',
    edit: config({
      model_type: 'llava',
      architectures: ['LlavaForConditionalGeneration'],
      image_token_index: 32000,
      text_config: { model_type: 'llama' },
      vision_config: { model_type: 'clip_vision_model' },
    }),
  },
  {
    name: 'runner-generate-of-encoder',
    cause: 'wrong-task',
    edit: config({ model_type: 'bert', architectures: ['BertModel'] }),
    argv: ['--runner', 'generate'],
  },
  { name: 'model-path-missing', cause: 'model-not-found', model: '/nowhere/model' },
  { name: 'model-id-missing-offline', cause: 'missing-file', model: 'org/absent-model' },
  { name: 'model-id-malformed', cause: 'model-not-found', model: 'a/b/c' },
  { name: 'gguf-file-missing', cause: 'model-not-found', model: '/nowhere/model.gguf' },
  // tokenizer
  { name: 'tokenizer-missing', cause: 'no-tokenizer', edit: remove('tokenizer.json', 'tokenizer_config.json') },
  { name: 'tokenizer-json-missing', cause: 'no-tokenizer', edit: remove('tokenizer.json') },
  { name: 'tokenizer-corrupt', cause: 'no-tokenizer', edit: write('tokenizer.json', '{"version": "1.0", "model": ') },
  { name: 'tokenizer-wrong-shape', cause: 'no-tokenizer', edit: write('tokenizer.json', '{"version": "1.0", "model": {"type": "Nope"}}') },
  { name: 'tokenizer-config-corrupt', cause: 'no-tokenizer', edit: write('tokenizer_config.json', '{') },
  { name: 'tokenizer-path-missing', cause: 'no-tokenizer', argv: ['--tokenizer', '/nowhere/tokenizer'] },
  { name: 'tokenizer-mode-unknown', cause: 'no-tokenizer', argv: ['--tokenizer-mode', 'nope'] },
  { name: 'tokenizer-mode-mistral', cause: 'no-tokenizer', argv: ['--tokenizer-mode', 'mistral'] },
  { name: 'tokenizer-lfs-pointer', cause: 'no-tokenizer', edit: write('tokenizer.json', pointer) },
  { name: 'chat-template-missing', cause: 'chat-template', argv: ['--chat-template', '/nowhere/template.jinja'] },
  // weights
  { name: 'weights-none', cause: 'missing-file', edit: remove('model.safetensors') },
  { name: 'weights-truncated', cause: 'corrupt-weights', edit: (directory) => truncateSync(join(directory, 'model.safetensors'), 100_000) },
  { name: 'weights-empty', cause: 'corrupt-weights', edit: write('model.safetensors', '') },
  { name: 'weights-lfs-pointer', cause: 'corrupt-weights', edit: write('model.safetensors', pointer) },
  { name: 'weights-garbage', cause: 'corrupt-weights', edit: write('model.safetensors', Buffer.alloc(4096, 7)) },
  {
    name: 'weights-shard-missing',
    cause: 'missing-file',
    edit: (directory) => {
      renameSync(join(directory, 'model.safetensors'), join(directory, 'model-00001-of-00002.safetensors'))
      writeFileSync(
        join(directory, 'model.safetensors.index.json'),
        JSON.stringify({
          metadata: {},
          weight_map: {
            'model.embed_tokens.weight': 'model-00001-of-00002.safetensors',
            'lm_head.weight': 'model-00002-of-00002.safetensors',
          },
        }),
      )
    },
  },
  { name: 'weights-index-corrupt', cause: 'corrupt-weights', edit: write('model.safetensors.index.json', '{"weight_map"') },
  { name: 'weights-tensor-missing', cause: 'corrupt-weights', edit: header(({ 'model.norm.weight': _, ...rest }) => rest) },
  {
    name: 'weights-tensor-unknown',
    cause: 'weights-mismatch',
    edit: header((tensors) =>
      Object.fromEntries(Object.entries(tensors).map(([key, value]) => [key === 'model.norm.weight' ? 'model.nrom.weight' : key, value])),
    ),
  },
  { name: 'weights-shape-intermediate', cause: 'weights-mismatch', edit: config({ intermediate_size: 768 }) },
  { name: 'weights-shape-hidden', cause: 'weights-mismatch', edit: config({ hidden_size: 512 }) },
  { name: 'weights-shape-vocabulary', cause: 'weights-mismatch', edit: config({ vocab_size: 1024 }) },
  { name: 'weights-fewer-layers', cause: 'weights-mismatch', edit: config({ num_hidden_layers: 1 }) },
  { name: 'weights-more-layers', cause: 'weights-mismatch', edit: config({ num_hidden_layers: 4 }) },
  {
    name: 'weights-pickle-corrupt',
    cause: 'corrupt-weights',
    edit: all(remove('model.safetensors'), write('pytorch_model.bin', 'nothing like a checkpoint')),
  },
  {
    name: 'weights-pickle-code',
    cause: 'corrupt-weights',
    edit: all(
      remove('model.safetensors'),
      write('pytorch_model.bin', Buffer.from('gASVHQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjARlY2hvlIWUUpQu', 'base64')),
    ),
  },
  { name: 'load-format-unknown', cause: 'bad-argument', argv: ['--load-format', 'nope'] },
  { name: 'load-format-pt', cause: 'missing-file', argv: ['--load-format', 'pt'] },
  { name: 'load-format-tensorizer', cause: 'package-missing', argv: ['--load-format', 'tensorizer'] },
  { name: 'load-format-runai', cause: 'package-missing', argv: ['--load-format', 'runai_streamer'] },
  { name: 'load-format-bitsandbytes', cause: 'bad-argument', argv: ['--load-format', 'bitsandbytes'] },
  // arguments
  { name: 'argument-unknown', cause: 'bad-argument', argv: ['--no-such-flag', '1'] },
  { name: 'argument-not-a-number', cause: 'bad-argument', argv: ['--max-num-seqs', 'many'] },
  { name: 'argument-no-value', cause: 'bad-argument', argv: ['--max-num-seqs'] },
  { name: 'argument-choice', cause: 'bad-argument', argv: ['--dtype', 'float99'] },
  { name: 'argument-boolean-value', cause: 'bad-argument', argv: ['--enable-prefix-caching', 'true'] },
  { name: 'argument-json-broken', cause: 'bad-argument', argv: ['--compilation-config', '{bad'] },
  { name: 'argument-json-unknown-key', cause: 'bad-argument', argv: ['--compilation-config', '{"foo": 1}'] },
  { name: 'argument-json-wrong-type', cause: 'bad-argument', argv: ['--compilation-config', '{"mode": "fast"}'] },
  { name: 'hf-overrides-broken', cause: 'bad-argument', argv: ['--hf-overrides', '{a}'] },
  { name: 'max-model-len-over', cause: 'context-too-long', argv: ['--max-model-len', '100000'] },
  { name: 'max-model-len-text', cause: 'bad-argument', argv: ['--max-model-len', 'huge'] },
  { name: 'max-model-len-zero', cause: 'config-validation', argv: ['--max-model-len', '0'] },
  { name: 'utilization-over-one', cause: 'config-validation', argv: ['--gpu-memory-utilization', '1.5'] },
  { name: 'max-num-seqs-zero', cause: 'config-validation', argv: ['--max-num-seqs', '0'] },
  {
    name: 'batched-tokens-below-seqs',
    cause: 'batched-tokens-too-small',
    argv: ['--max-num-seqs', '64', '--max-num-batched-tokens', '32'],
  },
  {
    name: 'batched-tokens-below-len',
    cause: 'batched-tokens-too-small',
    argv: ['--no-enable-chunked-prefill', '--max-num-batched-tokens', '128'],
  },
  { name: 'block-size-odd', cause: 'block-size', argv: ['--block-size', '7'] },
  { name: 'kv-cache-dtype-unknown', cause: 'bad-argument', argv: ['--kv-cache-dtype', 'fp3'] },
  { name: 'quantization-flag', cause: 'quantization-mismatch', argv: ['--quantization', 'awq'] },
  { name: 'quantization-flag-unknown', cause: 'quantization', argv: ['--quantization', 'magic'] },
  { name: 'quantization-flag-fp8', cause: 'kernel-missing', argv: ['--quantization', 'fp8'] },
  { name: 'tensor-parallel-3', cause: 'heads-not-divisible', argv: ['--tensor-parallel-size', '3'] },
  { name: 'tensor-parallel-2', cause: 'parallel', argv: ['--tensor-parallel-size', '2'] },
  { name: 'tensor-parallel-zero', cause: 'config-validation', argv: ['--tensor-parallel-size', '0'] },
  { name: 'tensor-parallel-16', cause: 'heads-not-divisible', argv: ['--tensor-parallel-size', '16'] },
  { name: 'pipeline-parallel-2', cause: 'parallel', argv: ['--pipeline-parallel-size', '2'] },
  { name: 'pipeline-parallel-8', cause: 'parallel', argv: ['--pipeline-parallel-size', '8'] },
  { name: 'expert-parallel', cause: 'parallel', argv: ['--enable-expert-parallel'] },
  { name: 'executor-ray', cause: 'package-missing', argv: ['--distributed-executor-backend', 'ray'] },
  {
    name: 'speculative-model-missing',
    cause: 'speculative-decoding',
    argv: ['--speculative-config', '{"model": "/nowhere/draft", "num_speculative_tokens": 2}'],
  },
  {
    name: 'speculative-method-unknown',
    cause: 'speculative-decoding',
    argv: ['--speculative-config', '{"method": "magic", "num_speculative_tokens": 2}'],
  },
  { name: 'speculative-no-count', cause: 'speculative-decoding', argv: ['--speculative-config', '{"method": "ngram"}'] },
  {
    name: 'speculative-mtp-of-llama',
    cause: 'speculative-decoding',
    argv: ['--speculative-config', '{"method": "mtp", "num_speculative_tokens": 1}'],
  },
  { name: 'tool-parser-unknown', cause: 'parser-unknown', argv: ['--enable-auto-tool-choice', '--tool-call-parser', 'nope'] },
  { name: 'tool-parser-none', cause: 'parser-unknown', argv: ['--enable-auto-tool-choice'] },
  { name: 'reasoning-parser-unknown', cause: 'parser-unknown', argv: ['--reasoning-parser', 'nope'] },
  { name: 'structured-backend-unknown', cause: 'bad-argument', argv: ['--structured-outputs-config', '{"backend": "nope"}'] },
  { name: 'attention-backend-unknown', cause: 'attention-backend', argv: ['--attention-backend', 'NOPE'] },
  {
    name: 'kv-connector-unknown',
    cause: 'connector',
    argv: ['--kv-transfer-config', '{"kv_connector": "NopeConnector", "kv_role": "kv_both"}'],
  },
  {
    name: 'kv-connector-package',
    cause: 'package-missing',
    argv: ['--kv-transfer-config', '{"kv_connector": "LMCacheConnectorV1", "kv_role": "kv_both"}'],
  },
  { name: 'kv-role-missing', cause: 'bad-argument', argv: ['--kv-transfer-config', '{"kv_connector": "NixlConnector"}'] },
  { name: 'middleware-missing', cause: 'extension-missing', argv: ['--middleware', 'nowhere.Middleware'] },
  { name: 'logits-processor-missing', cause: 'extension-missing', argv: ['--logits-processors', 'nowhere:Processor'] },
  { name: 'config-file-missing', cause: 'path-not-found', argv: ['--config', '/nowhere/config.yaml'] },
  { name: 'log-config-missing', cause: 'bad-argument', argv: ['--log-config-file', '/nowhere/log.json'] },
  { name: 'limit-mm-broken', cause: 'bad-argument', argv: ['--limit-mm-per-prompt', 'image=1'] },
  { name: 'sleep-mode', cause: 'no-sleep-mode', argv: ['--enable-sleep-mode'] },
  { name: 'enable-lora-pooling', cause: 'bad-argument', argv: ['--max-lora-rank', '7', '--enable-lora'] },
  { name: 'served-name-of-lora-twice', cause: 'adapter', argv: ['--enable-lora', '--lora-modules', 'a=/nowhere/a', 'a=/nowhere/b'] },
  { name: 'lora-path-missing', cause: 'adapter', argv: ['--enable-lora', '--lora-modules', 'a=/nowhere/lora'] },
  { name: 'lora-malformed', cause: 'bad-argument', argv: ['--enable-lora', '--lora-modules', 'nothing'] },
  { name: 'lora-not-enabled', cause: 'adapter', argv: ['--lora-modules', 'a=/nowhere/lora'] },
  {
    name: 'lora-rank-too-big',
    cause: 'adapter',
    edit: adapter({ r: 64, lora_alpha: 16, target_modules: ['q_proj'], peft_type: 'LORA' }),
    argv: ['--enable-lora', '--lora-modules', 'a=MODEL/adapter'],
  },
  {
    name: 'lora-wrong-modules',
    cause: 'adapter',
    edit: adapter({ r: 8, lora_alpha: 16, target_modules: ['nope_proj'], peft_type: 'LORA' }),
    argv: ['--enable-lora', '--lora-modules', 'a=MODEL/adapter'],
  },
  {
    name: 'lora-config-broken',
    cause: 'adapter',
    edit: all(adapter({}), write('adapter/adapter_config.json', '{')),
    argv: ['--enable-lora', '--lora-modules', 'a=MODEL/adapter'],
  },
  // environment
  { name: 'variable-kv-space-text', cause: 'bad-variable', env: { VLLM_CPU_KVCACHE_SPACE: 'lots' } },
  { name: 'variable-port-uri', cause: 'bad-variable', env: { VLLM_PORT: 'tcp://10.0.0.1:8000' } },
  // memory
  {
    name: 'kv-cache-too-small',
    cause: 'kv-cache-too-small',
    edit: config({ max_position_embeddings: 4_000_000 }),
    argv: ['--max-model-len', '4000000'],
  },
  { name: 'free-memory', cause: 'kv-cache-too-small', env: { VLLM_CPU_KVCACHE_SPACE: '0' } },
  { name: 'kv-space-above-memory', cause: 'host-memory', env: { VLLM_CPU_KVCACHE_SPACE: '4000' } },
  { name: 'address-space', cause: 'host-memory', limits: { AS: 6_000_000_000 } },
  {
    name: 'kv-cache-memory-tiny',
    cause: 'kv-cache-too-small',
    argv: ['--kv-cache-memory-bytes', '1000'],
    env: { VLLM_CPU_KVCACHE_SPACE: '0' },
  },
  { name: 'blocks-override-tiny', cause: 'kv-cache-too-small', argv: ['--num-gpu-blocks-override', '1'] },
  // disk, permissions, compilers
  { name: 'shm-full', cause: 'shm', inside: 'mount -t tmpfs -o size=64k none /dev/shm' },
  { name: 'shm-read-only', cause: 'shm', inside: 'mount -t tmpfs -o ro none /dev/shm' },
  {
    name: 'cache-read-only-compile',
    cause: 'read-only',
    argv: ['--compile'],
    inside: 'mount -t tmpfs -o ro none $SCRATCH',
    env: { VLLM_CACHE_ROOT: 'SCRATCH' },
  },
  {
    name: 'cache-full-compile',
    cause: 'disk-full',
    argv: ['--compile'],
    inside: 'mount -t tmpfs -o size=64k none $SCRATCH',
    env: { VLLM_CACHE_ROOT: 'SCRATCH' },
  },
  { name: 'compiler-none', cause: 'program-missing', argv: ['--compile'], env: { PATH: '/nowhere', VLLM_CACHE_ROOT: 'SCRATCH' } },
  {
    name: 'compiler-broken',
    cause: 'compiler-missing',
    argv: ['--compile'],
    inside: "printf '#!/bin/sh\\necho g++: internal compiler error >&2; exit 4\\n' > $SCRATCH/g++; chmod +x $SCRATCH/g++",
    env: { PATH: 'SCRATCH:/usr/bin:/bin', VLLM_CACHE_ROOT: 'SCRATCH/cache' },
  },
  {
    name: 'compiler-headers',
    cause: 'compiler-missing',
    argv: ['--compile'],
    inside: 'mount -t tmpfs none /usr/include/python3.11',
    env: { VLLM_CACHE_ROOT: 'SCRATCH/cache' },
  },
  {
    name: 'tmp-noexec',
    cause: 'no-exec',
    argv: ['--compile'],
    inside: 'mount -t tmpfs -o noexec none $SCRATCH',
    env: { VLLM_CACHE_ROOT: 'SCRATCH/cache', TMPDIR: 'SCRATCH' },
  },
  { name: 'files-too-few', cause: 'too-many-files', limits: { NOFILE: 24 } },
  {
    name: 'compiler-absent',
    cause: 'compiler-missing',
    argv: ['--compile'],
    inside: 'mkdir $SCRATCH/bin; ln -s /usr/bin/lscpu /usr/bin/uname /sbin/ldconfig $SCRATCH/bin/',
    env: { PATH: 'SCRATCH/bin', VLLM_CACHE_ROOT: 'SCRATCH/cache' },
  },
  // network
  { name: 'port-busy', cause: 'port-busy', argv: ['--port', 'BUSY'] },
  { name: 'port-range', cause: 'bad-address', argv: ['--port', '99999'] },
  { name: 'host-not-ours', cause: 'bad-address', argv: ['--host', '203.0.113.1'] },
  { name: 'host-unknown', cause: 'bad-address', argv: ['--host', 'no-such-host.invalid'] },
  { name: 'certificate-missing', cause: 'certificate', argv: ['--ssl-certfile', '/nowhere/cert.pem', '--ssl-keyfile', '/nowhere/key.pem'] },
  {
    name: 'certificate-broken',
    cause: 'certificate',
    edit: all(write('cert.pem', 'x'), write('key.pem', 'x')),
    argv: ['--ssl-certfile', 'MODEL/cert.pem', '--ssl-keyfile', 'MODEL/key.pem'],
  },
  { name: 'uds-missing-folder', cause: 'bad-address', argv: ['--uds', '/nowhere/socket'] },
  // a second round
  { name: 'config-list', cause: 'bad-config', edit: write('config.json', '[]') },
  { name: 'config-binary', cause: 'bad-config', edit: write('config.json', Buffer.from([0xff, 0xfe, 0x00, 0x7b])) },
  {
    name: 'config-directory',
    cause: 'model-not-found',
    edit: all(remove('config.json'), (directory) => mkdirSync(join(directory, 'config.json'))),
  },
  {
    name: 'config-unreadable-link',
    cause: 'model-not-found',
    edit: all(remove('config.json'), (directory) => symlinkSync('config.json', join(directory, 'config.json'))),
  },
  { name: 'activation-unknown', cause: 'bad-config', edit: config({ hidden_act: 'wobble' }) },
  { name: 'layers-zero', cause: 'weights-mismatch', edit: config({ num_hidden_layers: 0 }) },
  { name: 'layers-text', cause: 'bad-config', edit: config({ num_hidden_layers: 'many' }) },
  { name: 'positions-negative', cause: 'bad-config', edit: config({ max_position_embeddings: -1 }) },
  { name: 'vocabulary-zero', cause: 'weights-mismatch', edit: config({ vocab_size: 0 }) },
  { name: 'kv-heads-zero', cause: 'bad-config', edit: config({ num_key_value_heads: 0 }) },
  { name: 'head-dim-large', cause: 'weights-mismatch', edit: config({ head_dim: 64 }) },
  {
    name: 'quantization-awq-bits',
    cause: 'quantization',
    edit: config({ quantization_config: { quant_method: 'awq', bits: 3, group_size: 128, zero_point: true } }),
  },
  {
    name: 'other-architecture-mamba',
    cause: 'weights-mismatch',
    edit: config({ model_type: 'mamba', architectures: ['MambaForCausalLM'] }),
  },
  { name: 'other-architecture-gpt2', cause: 'weights-mismatch', edit: config({ model_type: 'gpt2', architectures: ['GPT2LMHeadModel'] }) },
  {
    name: 'other-architecture-mixtral',
    cause: 'weights-mismatch',
    edit: config({ model_type: 'mixtral', architectures: ['MixtralForCausalLM'] }),
  },
  {
    name: 'other-architecture-whisper',
    cause: 'context-too-long',
    edit: config({ model_type: 'whisper', architectures: ['WhisperForConditionalGeneration'] }),
  },
  {
    name: 'other-architecture-t5',
    cause: 'unknown-architecture',
    edit: config({ model_type: 't5', architectures: ['T5ForConditionalGeneration'] }),
  },
  {
    name: 'other-architecture-qwen2-vl',
    cause: 'no-processor',
    edit: config({ model_type: 'qwen2_vl', architectures: ['Qwen2VLForConditionalGeneration'] }),
  },
  { name: 'generation-override-broken', cause: 'bad-argument', argv: ['--override-generation-config', '{'] },
  { name: 'sentence-transformers-broken', cause: 'bad-config', edit: write('modules.json', '{'), argv: ['--runner', 'pooling'] },
  { name: 'config-format-mistral', cause: 'missing-file', argv: ['--config-format', 'mistral'] },
  { name: 'config-format-unknown', cause: 'config-validation', argv: ['--config-format', 'nope'] },
  { name: 'hf-config-path-missing', cause: 'model-not-found', argv: ['--hf-config-path', '/nowhere/config'] },
  { name: 'model-impl-terratorch', cause: 'package-missing', argv: ['--model-impl', 'terratorch'] },
  { name: 'convert-classify', cause: 'wrong-task', argv: ['--runner', 'generate', '--convert', 'classify'] },
  { name: 'hf-overrides-architecture', cause: 'unknown-architecture', argv: ['--hf-overrides', '{"architectures": ["Nope"]}'] },
  { name: 'tokenizer-config-list', cause: 'no-tokenizer', edit: write('tokenizer_config.json', '[]') },
  { name: 'tokenizer-empty', cause: 'no-tokenizer', edit: write('tokenizer.json', '') },
  {
    name: 'tokenizer-directory',
    cause: 'no-tokenizer',
    edit: all(remove('tokenizer.json'), (directory) => mkdirSync(join(directory, 'tokenizer.json'))),
  },
  {
    name: 'tokenizer-sentencepiece-broken',
    cause: 'no-tokenizer',
    edit: all(remove('tokenizer.json'), write('tokenizer.model', 'nothing')),
  },
  // a third round
  { name: 'architectures-text', cause: 'bad-config', edit: config({ architectures: 'LlamaForCausalLM' }) },
  { name: 'generation-config-list', cause: 'bad-config', edit: write('generation_config.json', '[1]') },
  {
    name: 'quantization-scheme-unknown',
    cause: 'quantization',
    edit: config({ quantization_config: { quant_method: 'fp8', activation_scheme: 'magic' } }),
  },
  {
    name: 'quantization-without-kernel',
    cause: 'quantization',
    edit: config({ quantization_config: { quant_method: 'fp8', activation_scheme: 'dynamic', weight_block_size: [128, 128] } }),
  },
  {
    name: 'weights-index-empty',
    cause: 'corrupt-weights',
    edit: all(
      (directory) => renameSync(join(directory, 'model.safetensors'), join(directory, 'model-00001-of-00001.safetensors')),
      write('model.safetensors.index.json', '{}'),
    ),
  },
  {
    name: 'weights-dangling-link',
    cause: 'weights-unreadable',
    edit: all(remove('model.safetensors'), (directory) => symlinkSync('/nowhere/blob', join(directory, 'model.safetensors'))),
  },
  { name: 'weight-transfer-unknown', cause: 'config-validation', argv: ['--weight-transfer-config', '{"backend": "nope"}'] },
  {
    name: 'kv-connector-library',
    cause: 'package-missing',
    argv: ['--kv-transfer-config', '{"kv_connector": "NixlConnector", "kv_role": "kv_both"}'],
  },
  { name: 'scheduler-class-missing', cause: 'extension-missing', argv: ['--scheduler-cls', 'nowhere.Scheduler'] },
  { name: 'worker-class-missing', cause: 'extension-missing', argv: ['--worker-cls', 'nowhere.Worker'] },
  {
    name: 'variable-interface-unknown',
    cause: 'collective',
    says: /interface nope0.*GLOO_SOCKET_IFNAME/,
    env: { GLOO_SOCKET_IFNAME: 'nope0' },
  },
  { name: 'rpc-path-missing', cause: 'no-temporary-directory', env: { VLLM_RPC_BASE_PATH: '/nowhere' } },
  {
    name: 'compiler-disk-full',
    cause: 'disk-full',
    argv: ['--compile'],
    inside: 'mkdir $SCRATCH/full; mount -t tmpfs -o size=16k none $SCRATCH/full',
    env: { TMPDIR: 'SCRATCH/full', VLLM_CACHE_ROOT: 'SCRATCH/cache' },
  },
  // what needs a Python of its own, and what is killed
  {
    name: 'worker-killed-at-load',
    cause: 'engine-core-died',
    kill: { signal: 'SIGKILL', process: 'Worker', when: /Starting to load model/ },
  },
  {
    name: 'core-killed-at-load',
    cause: 'killed',
    kill: { signal: 'SIGKILL', process: 'EngineCore', when: /Initializing a V1 LLM engine/ },
  },
  {
    name: 'core-aborted-at-load',
    cause: 'aborted',
    kill: { signal: 'SIGABRT', process: 'EngineCore', when: /Initializing a V1 LLM engine/ },
  },
  {
    name: 'core-segfault-at-load',
    cause: 'segfault',
    kill: { signal: 'SIGSEGV', process: 'EngineCore', when: /Initializing a V1 LLM engine/ },
  },
  {
    name: 'weights-unreadable',
    cause: 'weights-unreadable',
    edit: (directory) => chmodSync(join(directory, 'model.safetensors'), 0),
    cold: ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all'],
  },
  { name: 'variable-log-level', cause: 'bad-variable', env: { VLLM_LOGGING_LEVEL: 'LOUD' }, cold: [] },
  { name: 'variable-logging-config', cause: 'bad-argument', env: { VLLM_LOGGING_CONFIG_PATH: '/nowhere/log.json' }, cold: [] },
  {
    name: 'python-module-broken',
    cause: 'package-missing',
    inside: 'echo import nowhere_at_all > $SCRATCH/regex.py',
    env: { PYTHONPATH: 'SCRATCH' },
    cold: [],
  },
  { name: 'hub-unauthorized', cause: 'gated', model: 'org/gated', hub: 401, env: { HF_HUB_OFFLINE: '0', HF_ENDPOINT: 'HUB' }, cold: [] },
  { name: 'hub-forbidden', cause: 'gated', model: 'org/gated', hub: 403, env: { HF_HUB_OFFLINE: '0', HF_ENDPOINT: 'HUB' }, cold: [] },
  {
    name: 'hub-without-model',
    cause: 'model-not-found',
    model: 'org/absent',
    hub: 404,
    env: { HF_HUB_OFFLINE: '0', HF_ENDPOINT: 'HUB' },
    cold: [],
  },
  {
    name: 'hub-unreachable',
    cause: 'hub-unreachable',
    model: 'org/any',
    env: { HF_HUB_OFFLINE: '0', HF_ENDPOINT: 'http://127.0.0.1:9' },
    cold: [],
  },
  {
    name: 'hub-name-unknown',
    cause: 'hub-unreachable',
    model: 'org/any',
    env: { HF_HUB_OFFLINE: '0', HF_ENDPOINT: 'http://no-such-hub.invalid' },
    cold: [],
  },
  {
    name: 'hub-not-tls',
    cause: 'hub-unreachable',
    model: 'org/any',
    env: { HF_HUB_OFFLINE: '0', HF_ENDPOINT: 'https://127.0.0.1:BUSY' },
    cold: [],
  },
  {
    name: 'tokenizer-unreadable',
    cause: 'no-permission',
    edit: (directory) => chmodSync(join(directory, 'tokenizer.json'), 0),
    cold: ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all'],
  },
  // a third round: what was wrong at first, of 48 ways that somebody thought of who had not seen the ones above
  {
    name: 'core-killed-while-workers-load',
    cause: 'killed',
    kill: { signal: 'SIGKILL', process: 'EngineCore', when: /Starting to load model/ },
  },
  {
    name: 'compiler-headers-cxx',
    cause: 'compiler-missing',
    says: /algorithm/,
    argv: ['--compile'],
    inside: 'mount -t tmpfs none /usr/include/c++',
    env: { VLLM_CACHE_ROOT: 'SCRATCH/cache', TORCHINDUCTOR_CACHE_DIR: 'SCRATCH/inductor' },
  },
  {
    name: 'library-empty',
    cause: 'library-missing',
    says: /libstdc\+\+\.so\.6.*LD_LIBRARY_PATH/,
    inside: 'mkdir $SCRATCH/lib; : > $SCRATCH/lib/libstdc++.so.6',
    env: { LD_LIBRARY_PATH: 'SCRATCH/lib' },
    cold: [],
  },
  {
    name: 'module-shadowed',
    cause: 'library-missing',
    says: /\/scratch\/tokenizers\.py.*PYTHONPATH/,
    inside: 'echo MAX_TOKENS = 4096 > $SCRATCH/tokenizers.py',
    env: { PYTHONPATH: 'SCRATCH' },
    cold: [],
  },
  {
    name: 'variable-not-a-number',
    cause: 'bad-variable',
    says: /VLLM_SERVER_DEV_MODE 'true'/,
    env: { VLLM_SERVER_DEV_MODE: 'true' },
    cold: [],
  },
  {
    name: 'metrics-directory-missing',
    cause: 'path-not-found',
    says: /PROMETHEUS_MULTIPROC_DIR.* \/scratch\/metrics\b/,
    env: { PROMETHEUS_MULTIPROC_DIR: 'SCRATCH/metrics' },
    cold: [],
  },
  {
    name: 'tokenizer-of-newer-library',
    cause: 'no-tokenizer',
    says: /image with newer/,
    edit: (directory) =>
      json(directory, 'tokenizer.json', (fields) => ({ ...fields, pre_tokenizer: { type: 'UnicodeSegments', version: 3 } })),
  },
  {
    name: 'tool-parser-plugin-outdated',
    cause: 'extension-missing',
    says: /vllm\.entrypoints\.openai\.protocol.*tool-parser-plugin/,
    edit: write('parser.py', 'from vllm.entrypoints.openai.protocol import ChatCompletionRequest\n'),
    argv: ['--enable-auto-tool-choice', '--tool-call-parser', 'acme', '--tool-parser-plugin', 'MODEL/parser.py'],
  },
  {
    name: 'certificate-of-another-key',
    cause: 'certificate',
    says: /do not belong together/,
    inside:
      'openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout $SCRATCH/old.pem -out $SCRATCH/cert.pem; openssl genrsa -out $SCRATCH/key.pem',
    argv: ['--ssl-certfile', 'SCRATCH/cert.pem', '--ssl-keyfile', 'SCRATCH/key.pem'],
  },
  // a fourth round, the same way: 40 ways
  { name: 'dtype-abbreviated', cause: 'dtype', says: /fp16.*"float16"/, edit: config({ dtype: 'fp16' }) },
  {
    name: 'quantization-gptq-bits',
    cause: 'quantization',
    says: /bits=3/,
    edit: config({ quantization_config: { quant_method: 'gptq', bits: 3, group_size: 128, desc_act: false, sym: true } }),
  },
  {
    name: 'lora-dora',
    cause: 'adapter',
    says: /DoRA/,
    edit: adapter({ peft_type: 'LORA', r: 8, lora_alpha: 16, use_dora: true, target_modules: ['q_proj'] }),
    argv: ['--enable-lora', '--lora-modules', 'a=MODEL/adapter'],
  },
  { name: 'python-hash-seed-quoted', cause: 'bad-variable', says: /PYTHONHASHSEED.*quotes/, env: { PYTHONHASHSEED: '"0"' }, cold: [] },
  {
    name: 'engine-shadowed',
    cause: 'engine-missing',
    says: /vllm\.entrypoints.*PYTHONPATH/,
    inside: 'mkdir $SCRATCH/vllm; : > $SCRATCH/vllm/__init__.py',
    env: { PYTHONPATH: 'SCRATCH' },
    cold: [],
  },
  {
    name: 'platform-plugin-incomplete',
    cause: 'extension-missing',
    says: /torch_npu.*VLLM_PLUGINS/,
    edit: (directory) => {
      const info = join(directory, 'site/other-1.0.dist-info')
      mkdirSync(info, { recursive: true })
      writeFileSync(join(directory, 'site/other.py'), 'def register(): return "other_platform.Platform"\n')
      writeFileSync(join(directory, 'site/other_platform.py'), 'import torch_npu\n')
      writeFileSync(join(info, 'METADATA'), 'Metadata-Version: 2.1\nName: other\nVersion: 1.0\n')
      writeFileSync(join(info, 'entry_points.txt'), '[vllm.platform_plugins]\nother = other:register\n')
    },
    env: { PYTHONPATH: 'MODEL/site' },
    cold: [],
  },
]
