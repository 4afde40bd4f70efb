import { createCipheriv, createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

/** A bfloat16 tensor to be: `random` values around zero, or every value the same. */
export type Tensor = { readonly name: string; readonly shape: readonly number[]; readonly fill: 'random' | 'ones' | 'zeros' }

const elements = ({ shape }: Tensor): number => shape.reduce((product, length) => product * length, 1)

/** Bytes of a tensor's values. */
export const tensorBytes = (tensor: Tensor): number => 2 * elements(tensor)

const noise = (seed: string, bytes: number): Buffer => {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes))
}

// Sign and mantissa are random, the exponent is 2^-7 or 2^-6: magnitudes as a fresh model has them, and never a NaN.
const random = (seed: string, tensor: Tensor): Buffer => {
  const bytes = noise(`${seed} ${tensor.name}`, tensorBytes(tensor))
  for (let high = 1; high < bytes.length; high += 2) bytes[high] = ((bytes[high] ?? 0) & 0x80) | 0x3c
  return bytes
}

const valuesOf = (seed: string, tensor: Tensor): Buffer => {
  if (tensor.fill === 'random') return random(seed, tensor)
  return Buffer.alloc(tensorBytes(tensor), tensor.fill === 'ones' ? Buffer.from([0x80, 0x3f]) : 0)
}

/** The head of a safetensors file: length of the JSON (u64, little endian), the JSON, padded with spaces to a multiple of 8. */
export const safetensorsHeader = (tensors: readonly Tensor[]): Buffer => {
  let offset = 0
  const entries = tensors.map((tensor) => {
    const start = offset
    offset += tensorBytes(tensor)
    return [tensor.name, { dtype: 'BF16', shape: tensor.shape, data_offsets: [start, offset] }]
  })
  const json = JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) })
  const padded = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  return Buffer.concat([length, padded])
}

/** Writes a safetensors file whose bytes depend on the seed and the tensors alone. */
export const writeSafetensors = async (path: string, tensors: readonly Tensor[], seed: string): Promise<void> => {
  const handle = await open(path, 'w')
  try {
    await handle.writeFile(safetensorsHeader(tensors))
    for (const tensor of tensors) await handle.writeFile(valuesOf(seed, tensor))
  } finally {
    await handle.close()
  }
}
