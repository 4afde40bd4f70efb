/** `aim recipes MODEL`: the profiles of one model, by how each stands to this machine; `--why ID`: all that speaks for and against one. */
import type { Inventory } from '../../hardware/inventory.ts'
import { describeGpus, failingsOf } from '../../recipes/hard-tests.ts'
import { canonicalId } from '../../recipes/id.ts'
import type { Profile } from '../../recipes/profile.ts'
import type { Question } from '../../recipes/question.ts'
import { rankingFor } from '../../recipes/rank.ts'
import { sentencesFor } from '../../recipes/reasons.ts'
import { isRefusal } from '../../recipes/refusal.ts'
import { select } from '../../recipes/select.ts'
import { byStanding, type Standing, standingOf } from '../../recipes/standing.ts'
import { synthesize } from '../../recipes/synthesize.ts'
import { exitCodes } from '../../std/exit-codes.ts'
import { Failure } from '../../std/failure.ts'
import { nearest } from '../../std/nearest.ts'
import { type Format, look, print } from '../output.ts'
import { fitTable } from '../table.ts'
import { wrap } from '../wrap.ts'
import { type RecipeFlags, recipeScene } from './scene.ts'

type Row = { readonly standing: Standing; readonly profile: Profile; readonly against: readonly string[] }

/** Prints the profiles of a model, or why one of them is or is not a choice. */
export const modelRecipesCommand = async (
  model: string,
  flags: RecipeFlags & { readonly why?: string },
  format: Format,
): Promise<number> => {
  const { catalog, ask, askAny, inventory } = await recipeScene(flags)
  const own = catalog.filter((profile) => profile.model === undefined || profile.model === model)
  if (own.length === 0) throw unknownModel(model, catalog)
  const answer = flags.why === undefined ? listOf(askAny(model), ask(model), own, inventory) : whyOf(flags.why, ask(model), own)
  await print(format, answer.value, () => answer.text)
  return 0
}

/** Whatever its metric, a profile is listed by where it could run; `asked` is what a start would ask. */
const listOf = (question: Question, asked: Question, own: readonly Profile[], { gpus }: Inventory) => {
  const ranking = rankingFor(question, own)
  const rows = own.toSorted(ranking.compare).map((profile): Row => {
    const failings = failingsOf(profile, question)
    return { profile, standing: standingOf(failings), against: failings.map(({ sentence }) => sentence) }
  })
  const value = byStanding(rows).flatMap(([, same]) => same.map(({ profile, ...rest }) => ({ ...rest, ...profile })))
  return {
    value,
    text: [`here: ${describeGpus(gpus)}${taken(asked, own)}`, ...byStanding(rows).map(([standing, same]) => blockOf(standing, same))].join(
      '\n\n',
    ),
  }
}

const taken = (asked: Question, own: readonly Profile[]): string => {
  const answer = select(asked, own)
  return isRefusal(answer) ? '' : `; serve takes ${answer.profile.id}`
}

const blockOf = (standing: Standing, rows: readonly Row[]): string =>
  fitTable(
    [standing.toUpperCase(), 'PRECISION', 'METRIC', 'TYPE', ...(standing === 'runs here' ? [] : ['WHY'])],
    rows.map(({ profile: { id, precision, metric, type }, against }) => [`  ${id}`, precision, metric, type, against.join('; ')]),
    look().width,
  )

const whyOf = (written: string, question: Question, own: readonly Profile[]) => {
  const id = canonicalId(written)
  const profile = [...own, ...synthesize(question, own)].find((each) => canonicalId(each.id) === id)
  if (profile === undefined) throw unknownProfile(written, question, own)
  const failings = failingsOf(profile, question)
  const answer = select(question, own)
  const chosen = isRefusal(answer) ? undefined : answer.profile
  const rank = chosen === undefined || failings.length > 0 ? undefined : rankOf(profile, chosen, question, own)
  const speaks = failings.length === 0 ? sentencesFor(profile, question) : []
  const value = {
    id: profile.id,
    standing: standingOf(failings),
    reasons: [...speaks, ...(rank === undefined ? [] : [rank])],
    against: failings,
    profile,
  }
  const text = [
    `${profile.id}: ${value.standing}`,
    ...value.reasons.flatMap((reason) => hung(reason)),
    ...failings.flatMap(({ sentence, fix }) => [...hung(`it ${sentence}`), ...hung(`  fix: ${fix}`)]),
    ...(profile.recipe?.sources ?? []).flatMap((source) => hung(`source: ${source}`)),
  ].join('\n')
  return { value, text }
}

const hung = (text: string): readonly string[] => {
  const indent = `  ${/^ */.exec(text)?.[0] ?? ''}`
  return wrap(text.trimStart(), look().width, `${indent}  `).map((line, at) => (at === 0 ? indent + line.trimStart() : line))
}

const rankOf = (profile: Profile, chosen: Profile, question: Question, own: readonly Profile[]): string => {
  if (chosen.id === profile.id) return 'it is the one that is chosen'
  const difference = rankingFor(question, own).difference(chosen, profile)
  return `${chosen.id} goes first${difference === undefined ? '' : `: ${difference}`}`
}

const unknownModel = (model: string, catalog: readonly Profile[]): Failure => {
  const near = nearest(model, [...new Set(catalog.flatMap((profile) => profile.model ?? []))])
  return new Failure(`cannot show recipes of ${model}: none is for it`, {
    exitCode: exitCodes.config,
    fix: `${near === undefined ? '' : `did you mean ${near}? `}aim plan ${model} makes a general profile; aim recipes new ${model} begins a recipe`,
  })
}

const unknownProfile = (id: string, { model }: Question, own: readonly Profile[]): Failure => {
  const near = nearest(
    id,
    own.map((profile) => profile.id),
  )
  return new Failure(`cannot say why: ${model} has no profile ${id}`, {
    exitCode: exitCodes.config,
    fix: near === undefined ? `aim recipes ${model} lists them` : `did you mean ${near}?`,
  })
}
