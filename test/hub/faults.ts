/** Ways to misbehave. Bytes count from the start of the answer's body. */
export type Misbehaviour =
  /** Any answer, whole. */
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** 429, with nothing left in the window for so many seconds. */
  | { readonly kind: 'rate-limit'; readonly seconds: number }
  /** The connection is reset in the middle of the body. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** The answer says and has fewer bytes than the file. */
  | { readonly kind: 'short'; readonly bytes: number }
  /** Every byte is another; the length is right. */
  | { readonly kind: 'wrong-bytes' }
  | { readonly kind: 'drip'; readonly bytesPerSecond: number }
  /** 200 and the whole file, though a range was asked for. */
  | { readonly kind: 'ignore-range' }
  /** The resolver hands out an address whose signature has run out. */
  | { readonly kind: 'expired' }
  /** The request is taken and never answered. */
  | { readonly kind: 'silence' }

/** One fault: where it strikes, how often (for ever when left out), and what happens. */
export type Fault = Misbehaviour & {
  /** `api`: /api/models; `resolve`: the file addresses; `cdn`: the host that LFS bytes come from. */
  readonly at: 'api' | 'resolve' | 'cdn'
  /** Which file or call, matched against the path of the request (for `cdn`, the path of the file in its repository). */
  readonly path?: RegExp
  times?: number
}

/** The fault that strikes this request, which uses it up once. */
export const strike = (faults: readonly Fault[], at: Fault['at'], path: string): Fault | undefined => {
  const fault = faults.find((candidate) => candidate.at === at && candidate.times !== 0 && (candidate.path?.test(path) ?? true))
  if (fault?.times !== undefined) fault.times--
  return fault
}
