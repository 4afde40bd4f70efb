/** Instruction sets: decoding KFD's number and what each can compute. Abilities hang on the gfx, never on the product. */

/** `gfx942` of KFD's 90402: decimal MMmmss, the minor and the step written as hex digits (libhsakmt); undefined for 0 or nonsense. */
export const decodeGfx = (version: number): string | undefined =>
  Number.isInteger(version) && version >= 10_000 && version < 1_000_000
    ? gfxName(Math.floor(version / 10_000), Math.floor(version / 100) % 100, version % 100)
    : undefined

/** `gfx90a` of 9, 0, 10. */
export const gfxName = (major: number, minor: number, step: number): string => `gfx${major}${minor.toString(16)}${step.toString(16)}`

/** A fact that holds for every gfx whose name matches. */
type Rule<T> = readonly [pattern: RegExp, value: T]

/**
 * What is computed or converted natively. Families: gfx900 to gfx906 Vega, gfx908 to gfx95x CDNA, gfx103x RDNA2, gfx11 RDNA3,
 * gfx12 RDNA4, gfx125x the Instincts after CDNA4.
 */
const abilities: readonly Rule<readonly string[]>[] = [
  [/^gfx90[0-7]$/, ['fp32', 'fp16', 'int8', 'int4']],
  [/^gfx9(08|0a)$/, ['fp32', 'fp16', 'bf16', 'int8', 'int4']],
  [/^gfx94\w$/, ['fp32', 'fp16', 'bf16', 'fp8', 'int8', 'int4']],
  [/^gfx95\w$/, ['fp32', 'fp16', 'bf16', 'fp8', 'fp4', 'int8', 'int4']],
  [/^gfx103\w$/, ['fp32', 'fp16', 'int8', 'int4']],
  [/^gfx11\w\w$/, ['fp32', 'fp16', 'bf16', 'int8', 'int4']],
  [/^gfx125\w$/, ['fp32', 'fp16', 'bf16', 'fp8', 'fp4', 'int8', 'int4']],
  [/^gfx12\w\w$/, ['fp32', 'fp16', 'bf16', 'fp8', 'int8', 'int4']],
]

/** Precisions whose weights some kernels unpack to 16 bits: not native is then no refusal. AMD ships fp4 profiles for gfx90a and gfx942. */
const unpackable: ReadonlySet<string> = new Set(['fp4', 'mxfp4'])

/** Other spellings of a precision. */
const synonyms: Readonly<Record<string, string>> = { mxfp4: 'fp4', float8: 'fp8', float16: 'fp16', bfloat16: 'bf16', float32: 'fp32' }

const find = <T>(rules: readonly Rule<T>[], gfx: string | undefined): T | undefined =>
  gfx === undefined ? undefined : rules.find(([pattern]) => pattern.test(gfx))?.[1]

/**
 * Whether models of a precision (`fp8`, `bf16`, `mxfp4` ...) run on a gfx: true or false where vLLM's gate says so (fp8 on gfx94x,
 * gfx95x and gfx12x; MX formats on gfx95x and gfx125x: vllm/platforms/rocm.py), undefined where the gfx alone does not decide.
 * int4 counts as true everywhere, because its weights are unpacked.
 */
export const supportsPrecision = (gfx: string | undefined, precision: string): boolean | undefined => {
  const native = find(abilities, gfx)
  const name = precision.toLowerCase()
  if (native === undefined || !knownPrecisions.has(synonyms[name] ?? name)) return undefined
  return native.includes(synonyms[name] ?? name) || (unpackable.has(name) ? undefined : false)
}

const knownPrecisions: ReadonlySet<string> = new Set(abilities.flatMap(([, precisions]) => precisions))

const fp8Formats: readonly Rule<'fnuz' | 'ocp'>[] = [
  [/^gfx94\w$/, 'fnuz'],
  [/^gfx(95\w|12\w\w)$/, 'ocp'],
]

/** Which 8-bit float a gfx computes: `fnuz` on gfx94x only (the same bits are worth half of OCP's), else `ocp`; undefined without fp8. */
export const fp8Format = (gfx: string | undefined): 'fnuz' | 'ocp' | undefined => find(fp8Formats, gfx)

const microscaled = ['mxfp8', 'mxfp6', 'mxfp4']

/** The number formats that a gfx computes, by their exact kind: `fp8_fnuz` or `fp8_ocp`, the microscaled ones; undefined for an unknown gfx. */
export const dtypesOf = (gfx: string | undefined): readonly string[] | undefined =>
  find(abilities, gfx)
    // Unpacked to 16 bits by kernels on every one, so nothing that the GPU is able to do.
    ?.filter((format) => format !== 'int4')
    .flatMap((format) => (format === 'fp8' ? `fp8_${fp8Format(gfx)}` : format === 'fp4' ? microscaled : format))

/**
 * GPUs inside a processor, which may use the host's memory as theirs. From what is generally known of these families, so it only
 * decides where no size is known.
 */
export const isApuGfx = (gfx: string | undefined): boolean => gfx !== undefined && /^gfx(90[29c]|103[3-7]|1103|115\w)$/.test(gfx)
