import { isRecord } from '../std/json.ts'
import { quantizationOf } from './quantization.ts'

/** What the copies of a checkpoint that others quantized declare, by the name that `--quantization` gives them; integers in groups of 128. */
const declarations: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  fp8: { quant_method: 'fp8' },
  ...Object.fromEntries(
    ['awq', 'gptq', 'awq_marlin', 'gptq_marlin'].map((name) => [name, { quant_method: name, bits: 4, group_size: 128 }]),
  ),
  mxfp4: { quant_method: 'quark', global_quant_config: { weight: { dtype: 'fp4' } } },
  modelopt_fp4: { quant_method: 'modelopt', quant_algo: 'NVFP4' },
  nvfp4: { quant_method: 'modelopt', quant_algo: 'NVFP4' },
}

/**
 * A config.json as a quantized copy of its model would have it; undefined where the method is the checkpoint's own or says too little of the
 * format (compressed-tensors, quark). fp8 is also what vLLM makes of 16 bits while loading.
 */
export const requantized = (config: unknown, method: string): unknown => {
  const declared = declarations[method]
  if (declared === undefined || !isRecord(config) || quantizationOf(config, config) === method) return undefined
  const { text_config: text } = config
  const language = isRecord(text) ? { ...text, quantization_config: undefined } : text
  return { ...config, ...(language === undefined ? {} : { text_config: language }), quantization_config: declared }
}
