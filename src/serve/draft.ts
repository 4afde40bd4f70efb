/**
 * What a file is called while it is written beside its place at `path`. `chance` in [0, 1) is drawn by whoever writes: every container has a
 * pid 1, and two of them may start within one millisecond (`at`, wall clock).
 */
export const draftOf = (
  path: string,
  { pid, at, chance }: { readonly pid: number; readonly at: number; readonly chance: number },
): string => `${path}.${pid}.${at}.${Math.floor(chance * 2 ** 48).toString(36)}.aim-part`
