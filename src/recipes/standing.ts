/** How a profile, or a whole model, stands to a machine, in the words that people ask in. */
import type { Failing, TestName } from './hard-tests.ts'

/** Best first. */
export const standings = ['runs here', 'needs more GPUs', 'needs more memory', 'for other GPUs', 'not as asked for'] as const
/** One of `standings`. */
export type Standing = (typeof standings)[number]

/** The tests that put a profile into each standing; the first that applies from the end counts, so that the hardest obstacle is named. */
const obstacles: Partial<Record<TestName, Standing>> = {
  available: 'needs more GPUs',
  gpuMemory: 'needs more memory',
  hostMemory: 'needs more memory',
  kind: 'for other GPUs',
  instructionSet: 'for other GPUs',
  partition: 'for other GPUs',
  onCpu: 'for other GPUs',
}

/** Where a profile stands after the hard tests. */
export const standingOf = (failings: readonly Pick<Failing, 'test'>[]): Standing => {
  if (failings.length === 0) return 'runs here'
  const all = failings.map(({ test }) => obstacles[test] ?? 'not as asked for')
  return (
    (['for other GPUs', 'needs more memory', 'needs more GPUs'] as const).find((standing) => all.includes(standing)) ?? 'not as asked for'
  )
}

/** Answers by standing, best first, and in their own order within each; standings that nobody has are left out. */
export const byStanding = <T extends { readonly standing: Standing }>(rows: readonly T[]): readonly (readonly [Standing, readonly T[]])[] =>
  standings.flatMap((standing) => {
    const same = rows.filter((row) => row.standing === standing)
    return same.length === 0 ? [] : [[standing, same] as const]
  })
