/** `aim cache verify`: whether what the cache holds is what it should be. */

import { holdingsOf } from '../../cache/inventory.ts'
import { cacheName, readModelName } from '../../cache/model-name.ts'
import { removeWrong, type Verdict, verify } from '../../cache/verify.ts'
import { cacheDirectory } from '../../config/rooms.ts'
import { exitCodes } from '../../std/exit-codes.ts'
import { overlay, readOptions } from '../options.ts'
import { type Format, print } from '../output.ts'
import { formatTable } from '../table.ts'
import { showProgress } from './progress.ts'
import { cachePullCommand } from './pull.ts'

/** The options of the command. */
export type VerifyOptions = { readonly deep?: boolean; readonly repair?: boolean; readonly format: Format }

const isGood = ({ missing, wrong }: Verdict): boolean => missing.length === 0 && wrong.length === 0

const show = (verdicts: readonly Verdict[], deep: boolean): string =>
  formatTable(
    ['MODEL', 'COMMIT', 'FILES', 'RESULT'],
    verdicts.map(({ repo, commit, files, missing, wrong, unknown }) => [
      repo,
      commit.slice(0, 12),
      String(files),
      [
        ...(missing.length > 0 ? [`missing ${missing.slice(0, 3).join(', ')}`] : []),
        ...(wrong.length > 0 ? [`wrong bytes in ${wrong.slice(0, 3).join(', ')}`] : []),
        ...(unknown.length > 0 ? [`${unknown.length} in their right size; their hub knows no checksum of them`] : []),
      ].join('; ') || (deep ? 'right' : 'all there (--deep reads the bytes)'),
    ]),
  )

/** Checks names and sizes, with `deep` every byte; `repair` removes what is wrong and pulls it again. 74 when something stays wrong. */
export const cacheVerifyCommand = async (
  model: string | undefined,
  { deep = false, repair = false, format }: VerifyOptions,
): Promise<number> => {
  const cacheDir = cacheDirectory(readOptions(overlay(undefined, {}, [])))
  const repository = model === undefined ? undefined : cacheName(readModelName(model))
  const check = async (): Promise<readonly Verdict[]> => {
    const asked = holdingsOf(cacheDir).filter(({ repo }) => repository === undefined || repo === repository)
    const total = asked.flatMap(({ revisions }) => revisions).reduce((sum, { bytes }) => sum + bytes, 0)
    const progress = showProgress('verify')
    let done = 0
    const verdicts = await verify(cacheDir, repository, deep, (bytes) => {
      done += bytes
      progress.show(done, total)
    })
    progress.end()
    return verdicts
  }
  let verdicts = await check()
  if (repair && !verdicts.every(isGood)) {
    for (const verdict of verdicts.filter((one) => !isGood(one))) {
      await removeWrong(cacheDir, verdict)
      await cachePullCommand(verdict.repo, { revision: verdict.commit, format: 'table', quiet: true })
    }
    verdicts = await check()
  }
  await print(format, verdicts, () => (verdicts.length === 0 ? `${cacheDir} holds no ${model ?? 'model'}` : show(verdicts, deep)))
  return verdicts.every(isGood) ? 0 : exitCodes.storage
}
