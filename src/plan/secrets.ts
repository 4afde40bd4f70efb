/** A launch is printed, logged and shown: whatever would put a secret into it is refused before it is made. */

import { canonicalName } from '../engine/arguments.ts'
import type { Profile } from '../recipes/profile.ts'
import { isRecord } from '../std/json.ts'
import { badRequest, type Refusal } from './refusal.ts'
import type { Request } from './request.ts'

/** Flags of vLLM whose value is a secret. */
const secretFlags = ['api-key', 'hf-token'] as const

/** argparse takes unambiguous beginnings: `--api-k`. */
const shortestBeginning = 5

/** Keys inside JSON values and variables' names that hold secrets wherever they appear. */
const secretKey = /(?:^|[_.-])(?:api[_-]?key|(?:secret[_-]?)?access[_-]?key|secret|password|passwd)$/i
const secretVariable = /(?:^|_)(?:TOKEN|API_?KEY|SECRET|ACCESS_KEY|PASSWORD)$/

/** `scheme://user:password@host`. */
const urlWithPassword = /:\/\/[^/\s:@]+:[^/\s@]+@/

const isSecretFlag = (name: string): boolean =>
  secretKey.test(name) || (name.length >= shortestBeginning && secretFlags.some((flag) => flag.startsWith(name)))

/** Refuses when an argument, an extra word or the profile itself would carry a secret; names the place, never the value. */
export const refuseSecrets = (request: Request, profile?: Profile): Refusal | undefined => {
  const argument = Object.entries(request.engineArguments).find(([name, value]) => isSecretFlag(canonicalName(name)) || holdsSecret(value))
  if (argument !== undefined) return refuse(canonicalName(argument[0]), 'AIM_ENGINE_ARGS')
  const word = request.extraArguments.find(wordHoldsSecret)
  if (word !== undefined)
    return refuse(word.startsWith('-') ? canonicalName(word.split('=', 1)[0] ?? '') : 'a value', 'the extra arguments')
  const variable = Object.keys(profile?.environment ?? {}).find((name) => secretVariable.test(name))
  if (variable !== undefined && profile !== undefined) return refuse(variable, profile.source)
  const own = Object.entries(profile?.arguments ?? {}).find(([name, value]) => isSecretFlag(name) || holdsSecret(value))
  return own === undefined || profile === undefined ? undefined : refuse(own[0], profile.source)
}

const holdsSecret = (value: unknown): boolean => {
  if (typeof value === 'string') return urlWithPassword.test(value) || jsonHoldsSecret(value)
  if (Array.isArray(value)) return value.some(holdsSecret)
  return isRecord(value) && Object.entries(value).some(([key, inner]) => secretKey.test(key) || holdsSecret(inner))
}

const jsonHoldsSecret = (text: string): boolean => [...text.matchAll(/"([^"]+)"\s*:/g)].some(([, key = '']) => secretKey.test(key))

const wordHoldsSecret = (word: string): boolean =>
  holdsSecret(word) || (word.startsWith('--') && isSecretFlag(canonicalName(word.split('=', 1)[0] ?? '')))

const refuse = (name: string, place: string): Refusal =>
  badRequest(
    `cannot take ${name} from ${place}: it is a secret, and command lines and plans are seen by everybody`,
    name.startsWith('hf') || name === 'HF_TOKEN'
      ? 'set HF_TOKEN or HF_TOKEN_FILE instead'
      : 'take it out; the key for clients goes into VLLM_API_KEY or the file that VLLM_API_KEY_FILE names',
  )
