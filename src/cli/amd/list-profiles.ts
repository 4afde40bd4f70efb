/** `aim list-profiles`: every profile and whether it is a choice here, in the shapes of AMD's runtime. */
import type { Inventory } from '../../hardware/inventory.ts'
import { questionOf } from '../../plan/question.ts'
import type { Request } from '../../plan/request.ts'
import type { Profile } from '../../recipes/profile.ts'
import { rankingFor } from '../../recipes/rank.ts'
import { synthesize } from '../../recipes/synthesize.ts'
import { setScene } from '../../serve/rehearse.ts'
import { overlay, readOptions, warnerFor } from '../options.ts'
import { coloured, print, write } from '../output.ts'
import { documentOf } from './document.ts'
import { type Listed, reportOf, type Subject, tableOf } from './report.ts'
import { type State, states } from './state-names.ts'
import { stateOf } from './states.ts'

/** AMD's two formats, and two for programs. */
export const listFormats = ['text', 'table', 'json', 'yaml'] as const

/** The options of AMD's command. */
export type ListOptions = {
  readonly state: State | 'all'
  readonly format: (typeof listFormats)[number]
  readonly skipCompatibilityCheck?: boolean
}

/** Prints the profiles that AMD's runtime would have looked at: custom ones, the model's own, general ones. */
export const listProfilesCommand = async ({ state, format, skipCompatibilityCheck = false }: ListOptions): Promise<number> => {
  const environment = overlay(undefined, {}, [])
  const options = readOptions(environment)
  const { request, inventory, catalog } = await setScene(options, environment, warnerFor(options))
  const all = listed(request, inventory, catalog, skipCompatibilityCheck)
  const rows = all.filter((row) => state === 'all' || skipCompatibilityCheck || row.state === state)
  const subject: Subject = {
    request,
    inventory,
    aimId: environment.AIM_ID,
    modelId: environment.AIM_MODEL_ID,
    unchecked: skipCompatibilityCheck,
  }
  if (format === 'json' || format === 'yaml') await print(format, rows.map(shape), () => '')
  else await write(format === 'text' ? reportOf(subject, rows) : tableOf(subject, rows, coloured()))
  return 0
}

const shape = ({ profile, state, priority }: Listed) => ({ id: profile.id, state, priority, ...documentOf(profile) })

/** AMD's path priority, for people: 1 custom, 2 the model's own, 3 general. */
const priorityOf = ({ model, amd }: Profile): number => (amd?.tree === 'custom' ? 1 : model === undefined ? 3 : 2)

const listed = (request: Request, inventory: Inventory, catalog: readonly Profile[], unchecked: boolean): readonly Listed[] => {
  const question = questionOf(request, inventory)
  const own = catalog.filter(({ model, amd }) => model === undefined || model === request.model || amd?.tree === 'custom')
  // Of two with one id the first is the one that can be had.
  const looked = [...Map.groupBy(own, ({ id }) => id).values()].flatMap(([first]) => first ?? [])
  const made = request.allowGeneral && !looked.some(({ model }) => model === undefined) ? synthesize(question, own) : []
  const ranking = rankingFor(question, looked)
  const rows = [...looked, ...made].map((profile) => ({
    profile,
    state: unchecked ? ('unknown' as const) : stateOf(profile, question),
    priority: priorityOf(profile),
  }))
  return unchecked
    ? rows.toSorted((a, b) => a.priority - b.priority || (a.profile.id < b.profile.id ? -1 : 1))
    : states.flatMap((state) => {
        const same = rows.filter((row) => row.state === state)
        return state === 'compatible' ? same.toSorted((a, b) => ranking.compare(a.profile, b.profile)) : same
      })
}
