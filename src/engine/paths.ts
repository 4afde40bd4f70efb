import { resolve } from 'node:path'
import type { Json } from '../std/json.ts'

/** Flags of vLLM whose value is a file or directory (vllm/engine/arg_utils.py, vllm/entrypoints/openai/cli_args.py, 0.32). */
const files: ReadonlySet<string> = new Set([
  'allowed-local-media-path',
  'config',
  'download-dir',
  'log-config-file',
  'mm-encoder-fp8-scale-path',
  'mm-encoder-fp8-scale-save-path',
  'reasoning-parser-plugin',
  'ssl-ca-certs',
  'ssl-certfile',
  'ssl-keyfile',
  'tool-parser-plugin',
  'uds',
])

/** Flags whose value is a path or the name of something else, which only a leading dot tells apart. */
const filesOrNames: ReadonlySet<string> = new Set(['generation-config', 'hf-config-path', 'lora-modules', 'spec-model', 'tokenizer'])

/** A template may be written out in place of its file; vLLM tells by these characters (JINJA_CHARS in vllm/renderers/chat_utils.py, 0.32). */
const template = /[{}\n]/

/**
 * The value of a flag with a relative path made absolute. The engine runs in a directory of its own, and a path means what it meant where
 * the user wrote it: below `directory`.
 */
export const absolutePath = (name: string, value: Json, directory: string): Json => {
  if (Array.isArray(value)) return (value as readonly Json[]).map((one) => absolutePath(name, one, directory))
  if (typeof value !== 'string' || value === '') return value
  if (files.has(name) || (name === 'chat-template' && !template.test(value))) return resolve(directory, value)
  const [, before = '', path = ''] = /^([^=/]+=)?(\.{1,2}\/.*)$/s.exec(value) ?? []
  return filesOrNames.has(name) && path !== '' ? before + resolve(directory, path) : value
}
