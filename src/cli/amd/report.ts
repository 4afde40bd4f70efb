/** The two reports of AMD's `list-profiles`, as text. */
import type { Inventory } from '../../hardware/inventory.ts'
import type { Request } from '../../plan/request.ts'
import type { Profile } from '../../recipes/profile.ts'
import { type State, states } from './state-names.ts'

/** One profile of a report. */
export type Listed = { readonly profile: Profile; readonly state: State; readonly priority: number }

/** What a report is about, for its head. */
export type Subject = {
  readonly request: Request
  readonly inventory: Inventory
  readonly aimId: string | undefined
  readonly modelId: string | undefined
  /** Nothing was compared: every state is unknown. */
  readonly unchecked: boolean
}

/** SGR colours by state, as AMD's runtime has them. */
const colours: Readonly<Record<State, number>> = {
  ...{
    compatible: 92,
    gpu_mismatch: 93,
    precision_mismatch: 94,
    model_mismatch: 95,
    engine_mismatch: 96,
    metric_mismatch: 91,
    unknown: 97,
  },
}

const paint = (text: string, state: State, coloured: boolean): string => (coloured ? `\u001B[${colours[state]}m${text}\u001B[0m` : text)

const identity = ({ aimId, modelId }: Subject): readonly string[] => [`AIM ID: ${aimId || 'None'}`, `Model ID: ${modelId || 'None'}`]

const title = ({ unchecked }: Subject): string => `AIM Profile Compatibility Report${unchecked ? ' (No Compatibility Checks)' : ''}`

const gpuModel = ({ request, inventory }: Subject): string =>
  request.gpuModel ?? inventory.gpus[0]?.product ?? inventory.gpus[0]?.gfx ?? 'NONE'

const total = ({ unchecked }: Subject, rows: readonly Listed[]): string =>
  `Total profiles ${unchecked ? 'discovered' : 'analyzed'}: ${rows.length}`

const head = ['Profile', 'GPU', 'Precision', 'Engine', 'TP', 'Metric', 'Type', 'Priority', 'Manual Only', 'Compatibility']

const cellsOf = ({ profile, state, priority }: Listed): readonly string[] => [
  ...[profile.id, gpuOf(profile), profile.precision, profile.engine, String(profile.gpuCount), profile.metric, profile.type],
  ...[String(priority), profile.manualOnly ? 'Yes' : 'No', state],
]

const gpuOf = ({ gpu, gpuCount }: Profile): string => (gpuCount === 0 ? 'NONE' : gpu)

/** The table. Colours and their legend are for terminals; a pipe gets the same rows without them. */
export const tableOf = (subject: Subject, rows: readonly Listed[], coloured: boolean): string => {
  const { request } = subject
  const asked = [
    `GPU Count: ${request.gpuCount} | GPU Model: ${gpuModel(subject)}`,
    `Precision: ${request.precision ?? 'auto'} | Engine: ${request.engine} | Metric: ${request.metric}`,
  ]
  const top = [title(subject), '='.repeat(100), ...identity(subject), ...(subject.unchecked ? [] : [asked.join(' | '), ''])]
  if (rows.length === 0) return [...top, 'No profiles found.'].join('\n')
  const cells = rows.map(cellsOf)
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const legend = ['', 'State Color Legend:', ...states.map((state) => `  ${paint('■', state, true)} ${words(state)}`)]
  return [
    ...[...top, total(subject, rows), '', line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`],
    ...rows.map((row, at) => paint(line(cells[at] ?? []), row.state, coloured)),
    ...(coloured ? legend : []),
    '',
  ].join('\n')
}

const words = (state: State): string =>
  state.replace(/(^|_)([a-z])/g, (_, gap: string, letter: string) => `${gap && ' '}${letter.toUpperCase()}`)

/** The report by state, or by GPU when nothing was compared. */
export const reportOf = (subject: Subject, rows: readonly Listed[]): string => {
  const { request } = subject
  const asked = [
    ...[`Precision: ${request.precision ?? 'auto'}`, `Engine: ${request.engine}`, `Metric: ${request.metric}`],
    ...[`GPU Count: ${request.gpuCount}`, `GPU Model: ${gpuModel(subject)}`],
  ]
  const groups = Map.groupBy(rows, ({ profile, state }) => (subject.unchecked ? gpuOf(profile) : state.toUpperCase().replace('_', ' ')))
  return [
    ...[title(subject), '='.repeat(50), ...identity(subject), ...(subject.unchecked ? [] : [...asked, '']), total(subject, rows), ''],
    ...[...groups].flatMap(([name, group]) => [
      `${name} (${group.length} profiles):`,
      '-'.repeat(40),
      ...group.flatMap(bullets(subject)),
      '',
    ]),
  ].join('\n')
}

const bullets =
  ({ unchecked }: Subject) =>
  ({ profile, priority }: Listed): readonly string[] => [
    `  • ${profile.id}${profile.manualOnly ? ' [manual-only]' : ''}`,
    ...(unchecked ? [] : [`    GPU: ${gpuOf(profile)}`]),
    ...[`    Precision: ${profile.precision}`, `    Engine: ${profile.engine}`],
    ...(unchecked ? [`    TP: ${profile.gpuCount}`, `    Metric: ${profile.metric}`] : []),
    ...[`    Type: ${profile.type}`, `    Priority: ${priority}`],
  ]
