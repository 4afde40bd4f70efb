/** AMD's own tree of profiles, where the fixtures are, and AMD's rules as a second opinion. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const archive = join(process.env.AIM_SHARED ?? join(import.meta.dirname, '../../../shared'), 'fixtures/amd-aim-profiles-0.9.tar.gz')

/** Whether the tree is on this machine. */
export const hasTree = existsSync(archive)

/** What to say when it is not. */
export const withoutTree = `no profiles of AMD's at ${archive}: nothing was compared; AIM_SHARED names its folder`

/** Unpacks the tree to `at` below a fresh directory, and gives the path of its profiles; `remove` takes all of it away. */
export const unpackTree = (at = ''): { readonly profiles: string; readonly remove: () => void } => {
  const root = mkdtempSync(join(tmpdir(), 'aim-amd-'))
  mkdirSync(join(root, at), { recursive: true })
  execFileSync('tar', ['-xzf', archive, '-C', join(root, at)])
  return { profiles: join(root, at, 'profiles'), remove: () => rmSync(root, { recursive: true }) }
}

/** A profile as AMD's rules see it. */
export type Seen = {
  readonly id: string
  readonly priority: number
  readonly aimId: string | undefined
  readonly gpu: string
  readonly count: number
  readonly precision: string
  readonly metric: string
  readonly type: string
  readonly manual: boolean
}

/** An environment of AMD's runtime: what was detected, and what its variables say. */
export type Environment = {
  readonly aimId: string
  readonly gpu: string
  readonly detected: number
  readonly count: number | 'auto'
  readonly precision: string
  readonly metric: string
  readonly fallback: boolean
}

const precisions = ['int4', 'int8', 'fp4', 'fp8', 'fp16', 'bf16', 'fp32']
const types = ['optimized', 'preview', 'unoptimized', 'general']

/** What AMD's runtime 0.9 would choose, by its documented rules: every test exact, then priority, precision, type, and the order of the files. */
export const amdWinner = (profiles: readonly Seen[], environment: Environment): string | undefined => {
  const { aimId, gpu, detected, count, precision, metric, fallback } = environment
  const passing = profiles.filter(
    (profile) =>
      profile.metric === metric &&
      (profile.aimId === undefined || profile.aimId === aimId) &&
      profile.gpu === gpu &&
      profile.count === (count === 'auto' ? detected : count) &&
      (precision === 'auto' || profile.precision === precision) &&
      !profile.manual &&
      (profile.aimId !== undefined || fallback),
  )
  const key = ({ priority, precision: format, type }: Seen) => priority * 100 + precisions.indexOf(format) * 10 + types.indexOf(type)
  return passing.toSorted((a, b) => key(a) - key(b))[0]?.id
}
