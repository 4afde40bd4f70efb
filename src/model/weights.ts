/** A file of a repository or a directory; `path` is relative to its root. */
export type WeightFile = { readonly path: string; readonly bytes: number }

/** What training leaves beside the weights (vLLM `filter_files_not_needed_for_inference`). */
const leftovers = new Set(['training_args.bin', 'optimizer.bin', 'optimizer.pt', 'scheduler.pt', 'scaler.pt'])

/**
 * Bytes of the weights that vLLM loads: the first kind present of *.safetensors, *.bin, *.pt, at the root alone (what `original/` holds is
 * another copy). Mistral's `consolidated*` is the same weights once more, unless nothing else is there. Undefined when there are none.
 */
export const weightsBytesOf = (files: readonly WeightFile[]): number | undefined => {
  const root = files.filter(({ path }) => !path.includes('/') && !leftovers.has(path))
  for (const ending of ['.safetensors', '.bin', '.pt']) {
    const kind = root.filter(({ path }) => path.endsWith(ending))
    const copies = kind.filter(({ path }) => !path.startsWith('consolidated'))
    const loaded = copies.length > 0 ? copies : kind
    if (loaded.length > 0) return loaded.reduce((sum, { bytes }) => sum + bytes, 0)
  }
  return undefined
}
