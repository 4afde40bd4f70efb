/** From the tensors that a checkpoint's headers name to those that an engine holds of them. */

import type { StoredTensor } from '../std/safetensors.ts'
import { splitOf, vocabularyPadding } from './weights-split.ts'

/** What decides how a stored tensor is held. */
export type Holding = {
  /** The head is the embedding: a copy of it in the files is not loaded. */
  readonly tied: boolean
  /** dtype of the unquantized tensors as config.json names it. */
  readonly dtype?: string | undefined
}

/** Buffers that older checkpoints brought along and engines make themselves. */
const made = /(?:rotary_emb\.inv_freq|masked_bias|attn\.bias|position_ids)$/

const head = /(?:^|\.)lm_head\./

/** Of a name what its tensor's module is called. */
const moduleOf = (name: string): string => name.slice(0, name.lastIndexOf('.'))

/** A tensor as it is held, bytes undivided. */
export type HeldTensor = Pick<StoredTensor, 'name' | 'shape' | 'bytes'>

/** What an engine holds of a checkpoint's tensors: tied heads once, vocabularies padded, 32-bit matrices in 16 bits, fused projections whole. */
export const heldTensors = (stored: readonly StoredTensor[], { tied, dtype }: Holding): readonly HeldTensor[] => {
  const halved = /^(?:b?float16|half)$/.test(dtype ?? '')
  const modules = new Set(stored.map(({ name }) => moduleOf(name)))
  return stored
    .filter(({ name }) => !made.test(name) && !(tied && head.test(name)))
    .flatMap((tensor) => {
      const { name, shape, dtype: own, bytes } = tensor
      const narrow = halved && own === 'F32' && shape.length > 1 && name.endsWith('.weight') ? bytes / 2 : bytes
      const held = { name, shape, bytes: padded(name, shape, narrow) }
      const value = moduleOf(name).replace(/\.k_proj$/, '.v_proj')
      // vLLM's fused projection holds both, also where a checkpoint leaves one out (Gemma 4).
      return value !== moduleOf(name) && !modules.has(value) ? [held, { ...held, name: name.replace('.k_proj.', '.v_proj.') }] : [held]
    })
}

const padded = (name: string, [rows = 1, ...columns]: readonly number[], bytes: number): number =>
  splitOf(name) === 'vocabulary' && columns.length > 0 ? (bytes / rows) * Math.ceil(rows / vocabularyPadding) * vocabularyPadding : bytes
