import { isRecord, parseJson } from '../std/json.ts'

/** How leases go. Times are milliseconds of the observer's own clock that never goes back. */
export type LeaseTimes = {
  /** From one sign of life to the next. */
  readonly beatMs: number
  /** Silence after which a holder counts as dead. */
  readonly staleMs: number
  /** A holder that gives signs of life but gets no byte for so long is passed by. */
  readonly stuckMs: number
  /** Between two looks at what others hold. */
  readonly pollMs: number
}

/** 90 s are a minute of an NFS client's attribute cache (acregmax) and three beats; ten minutes outlast a rate limit's window of five. */
export const standardTimes: LeaseTimes = { beatMs: 10_000, staleMs: 90_000, stuckMs: 600_000, pollMs: 2000 }

/** What stands in a claim: who fetches a blob, how often it gave a sign of life, how far it is. */
export type ClaimRecord = {
  readonly token: string
  /** The process, in words that only a process on the same machine can judge. */
  readonly owner: string
  readonly seq: number
  readonly bytesDone: number
  /** Its holder keeps the claim locked (flock(2)) for as long as it lives. */
  readonly locked: boolean
}

/** A record's length in bytes: fixed, so that a beat overwrites the one before in one write. */
export const recordBytes = 256

/** The record as it is stored, always `recordBytes` long. */
export const claimText = (record: ClaimRecord): string => `${JSON.stringify(record).padEnd(recordBytes - 1)}\n`

/** A record read back; undefined for one that is half written or not ours. */
export const parseClaim = (text: string): ClaimRecord | undefined => {
  const value = parseJson(text)
  if (!isRecord(value)) return undefined
  const { token, owner, seq, bytesDone } = value
  if (typeof token !== 'string' || typeof owner !== 'string' || typeof seq !== 'number' || typeof bytesDone !== 'number') return undefined
  return { token, owner, seq, bytesDone, locked: value.locked === true }
}

/** What an observer remembers of another's claim: the last record, since when it is the same, since when its bytes are. */
export type Watch = { readonly text: string; readonly sameMs: number; readonly bytesDone: number; readonly stuckMs: number }

/** Looks again at `now`. `text` is all that stands in the claim, so that a record which cannot be read is judged by its changes too. */
export const look = (before: Watch | undefined, text: string, now: number): Watch => {
  const bytesDone = parseClaim(text)?.bytesDone ?? 0
  return {
    text,
    bytesDone,
    sameMs: before?.text === text ? before.sameMs : now,
    stuckMs: before?.bytesDone === bytesDone ? before.stuckMs : now,
  }
}

/** Whether a claim may be taken over: its holder is known to be dead, has given no sign, or got no byte, for too long. */
export const isStale = (watch: Watch, now: number, { staleMs, stuckMs }: LeaseTimes, isDead: (owner: string) => boolean): boolean => {
  const owner = parseClaim(watch.text)?.owner
  return now - watch.sameMs >= staleMs || now - watch.stuckMs >= stuckMs || (owner !== undefined && isDead(owner))
}
