import type { Precision } from './profile.ts'

/** Unquantized formats, which vLLM converts into one another while loading (`--dtype`), and bytes per element. */
const widths: Partial<Record<string, number>> = { fp16: 2, bf16: 2, fp32: 4 }

/** vLLM's word for an unquantized format; undefined for the others. */
export const dtypeNames: Partial<Record<string, string>> = { fp16: 'float16', bf16: 'bfloat16', fp32: 'float32' }

/** How much larger the weights are in memory than in the checkpoint's files: 1 but for a change of width between unquantized formats. */
export const growth = (checkpoint: string | undefined, loaded: Precision): number => {
  const [from, to] = [widths[checkpoint ?? ''], widths[loaded]]
  return from === undefined || to === undefined ? 1 : to / from
}

/**
 * Formats that only some instruction sets have; undefined where nobody has told. fp8: vLLM's own gate (vllm/platforms/rocm.py: gfx94x,
 * gfx95x, gfx12x). fp4: native on gfx95x, dequantized elsewhere: AMD publishes profiles for gfx90a and gfx94x, starts were measured on gfx1201.
 */
export const supports = (gfx: string, precision: Precision): boolean | undefined => {
  if (precision === 'fp8') return /^gfx(?:94|95|12)/.test(gfx) || (/^gfx(?:9|10|11)/.test(gfx) ? false : undefined)
  if (precision === 'fp4') return /^gfx(?:90a|94|95|12)/.test(gfx) || undefined
  return true
}
