/** What an engine compiled for one launch. All parts are names without a slash. */
export type CompiledKey = {
  /** `vllm-0.32.0/gfx942/bf16-tp8`: only what was compiled in the same place is of any use. */
  readonly place: string
  readonly model: string
  /** What the processor can do, 8 hex digits: some kernels are compiled for the one they were made on. */
  readonly host: string
  /** The command line and the GPUs, up to 32 hex digits. */
  readonly launch: string
}

/** One archive on the volume; `digest` is the SHA-256 of its bytes. */
export type CompiledArchive = CompiledKey & {
  readonly path: string
  readonly digest: string
  readonly bytes: number
  /** When it was last made or taken; milliseconds since 1970. */
  readonly usedMs: number
}

const plain = (text: string): string =>
  text
    .replaceAll('/', '--')
    .replace(/[^\w.-]/g, '_')
    .slice(0, 96)

/** The beginning of an archive's name: all of the key but its place. */
export const stemOf = ({ model, host, launch }: CompiledKey): string => [plain(model), host, launch].join('.')

/** An archive's name: its own checksum stands in it, so that one that was damaged is never taken. */
export const archiveName = (key: CompiledKey, digest: string): string => `${stemOf(key)}.${digest}.tar`

/** The parts of an archive's name; undefined for a name that is none. */
export const parseArchiveName = (name: string): (Omit<CompiledKey, 'place'> & { readonly digest: string }) | undefined => {
  const [, model, host, launch, digest] = /^(.+)\.([0-9a-f]{8})\.([0-9a-f]{1,32})\.([0-9a-f]{64})\.tar$/.exec(name) ?? []
  return model === undefined || host === undefined || launch === undefined || digest === undefined
    ? undefined
    : { model, host, launch, digest }
}

/**
 * The archives worth trying for a launch, the best first: its own, then those of the same model under other arguments, the latest first. What
 * does not fit is not used by the engine, which finds everything by hashes.
 */
export const candidatesFor = (key: CompiledKey, archives: readonly CompiledArchive[]): readonly CompiledArchive[] =>
  archives
    .filter(({ place, model, host }) => place === key.place && model === plain(key.model) && host === key.host)
    .toSorted((a, b) => Number(b.launch === key.launch) - Number(a.launch === key.launch) || b.usedMs - a.usedMs)

/** The least recently used archives that have to go until the rest fits into `maxBytes`, and those not used for `olderThanMs` at `nowMs`. */
export const expired = (
  archives: readonly CompiledArchive[],
  {
    maxBytes = Number.POSITIVE_INFINITY,
    olderThanMs = Number.POSITIVE_INFINITY,
  }: { readonly maxBytes?: number; readonly olderThanMs?: number },
  nowMs: number,
): readonly CompiledArchive[] => {
  let bytes = archives.reduce((sum, archive) => sum + archive.bytes, 0)
  return archives
    .toSorted((a, b) => a.usedMs - b.usedMs)
    .filter((archive) => {
      if (bytes <= maxBytes && nowMs - archive.usedMs <= olderThanMs) return false
      bytes -= archive.bytes
      return true
    })
}
