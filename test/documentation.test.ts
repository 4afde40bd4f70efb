import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments, parse as parseYaml } from 'yaml'
import { parse } from '../src/config/parse.ts'
import { fullPolicyOf } from '../src/config/rooms.ts'
import { variableRows } from '../src/config/show.ts'
import { paths } from '../src/ops/answer.ts'
import { faultForms } from '../src/simulator/faults.ts'
import { simulatorVariables } from '../src/simulator/variables.ts'
import { exitCodes } from '../src/std/exit-codes.ts'
import { version } from '../src/std/version.ts'
import { gracePeriodMs } from '../src/supervisor/policy.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const cell = (text: string): string => text.replaceAll('|', '\\|')

/** The README's table of variables, as it must stand there. */
const variableTable = (): string =>
  [
    '| variable | default | what it does | rule |',
    '|---|---|---|---|',
    ...variableRows().map(
      ({ name, default: value, rule, summary }) =>
        `| ${name
          .split(', ')
          .map((one) => `\`${one}\``)
          .join(', ')} | ${cell(value)} | ${cell(summary)} | ${cell(rule)} |`,
    ),
  ].join('\n')

test("the README's table of variables is config/variables.ts", () => {
  const [, table = ''] = /<!-- variables -->\n([\s\S]*?)\n?<!-- \/variables -->/.exec(read('README.md')) ?? []
  assert.equal(table, variableTable())
})

test("the README's table of the simulator is its own list, its faults included", () => {
  const [, table = ''] = /<!-- simulator -->\n([\s\S]*?)\n?<!-- \/simulator -->/.exec(read('README.md')) ?? []
  const rows = simulatorVariables.map(({ name, default: value, description }) => `| \`${name}\` | ${value} | ${cell(description)} |`)
  const faults = Object.entries(faultForms).map(([name, { description }]) => `| \`AIM_SIMULATOR_FAULT=${name}\` | | ${cell(description)} |`)
  assert.equal(table, ['| variable | default | what it does |', '|---|---|---|', ...rows, ...faults].join('\n'))
})

test("the README's exit codes are those of the code", () => {
  for (const code of Object.values(exitCodes)) assert.match(read('README.md'), new RegExp(`^\\| (?:\\d+, )?${code}[ ,]`, 'm'))
})

test('every dependency has its reason in the README', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
  for (const name of Object.keys(dependencies)) assert.match(read('README.md'), new RegExp(`^\\| ${name} \\| .{10}`, 'm'))
})

test('versions are exact, and the program says that of package.json', () => {
  const {
    version: said,
    dependencies,
    devDependencies,
    optionalDependencies,
  } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
  assert.equal(version, said)
  for (const range of Object.values({ ...dependencies, ...devDependencies, ...optionalDependencies }))
    assert.match(range, /^\d+\.\d+\.\d+$/)
})

test('no lock file, script or source names a registry host', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved"/)
})

test('the grace periods of the manifests are enough for the default policy', () => {
  const { options } = parse({}, () => ({ ok: false, code: 'ENOENT' }))
  const seconds = (text: string): number => Number(text)
  const [, compose = ''] = /stop_grace_period: (\d+)s/.exec(read('docker/compose.yaml')) ?? []
  const [, kubernetes = ''] = /terminationGracePeriodSeconds: (\d+)/.exec(read('docker/kubernetes/aim.yaml')) ?? []
  const [, readme = ''] = /--stop-timeout (\d+)/.exec(read('README.md')) ?? []
  assert.ok(seconds(compose) * 1000 >= gracePeriodMs(fullPolicyOf(options, false)))
  assert.ok(seconds(readme) * 1000 >= gracePeriodMs(fullPolicyOf(options, false)))
  assert.ok(seconds(kubernetes) * 1000 >= gracePeriodMs(fullPolicyOf(options, true)))
  assert.match(read('docker/compose.yaml'), new RegExp(`AIM_GRACE_PERIOD: ${compose}s$`, 'm'))
  assert.match(read('README.md'), new RegExp(`-e AIM_GRACE_PERIOD=${readme} `))
})

test("the entrypoint's list of subcommands is the command line's, with the hidden ones", () => {
  const program = read('src/cli/program.ts')
  const known = [...program.matchAll(/add\(\s*'([\w-]+)/g)].map(([, name]) => name ?? '')
  const [, listed = ''] = /'' \| -\* \| ([\w |-]+)\)/.exec(read('entrypoint.sh')) ?? []
  assert.deepEqual(listed.split(' | ').sort(), [...known, 'worker', 'simulator'].sort())
})

test('every recipe file has a reason to exist: a model whose name is its path', () => {
  const files = readdirSync(join(root, 'recipes'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.yaml'))
  assert.ok(files.length >= 5)
  for (const file of files) assert.match(read(join('recipes', file)), new RegExp(`^model: ${file.replace(/\.yaml$/, '')}$`, 'm'))
})

test('the manifests are YAML, and every probe asks the ops port a path that is served', () => {
  const [, , , deployment] = parseAllDocuments(read('docker/kubernetes/aim.yaml')).map(
    (document) => document.toJS() as Record<string, never>,
  )
  const compose = parseYaml(read('docker/compose.yaml')) as { services: Record<string, unknown> }
  assert.deepEqual(Object.keys(compose.services), ['aim'])
  const { spec } = (
    deployment as unknown as { spec: { template: { spec: { enableServiceLinks: boolean; containers: Record<string, never>[] } } } }
  ).spec.template
  assert.equal(spec.enableServiceLinks, false)
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    const { httpGet } = (spec.containers[0]?.[probe] ?? {}) as { httpGet?: { path: string; port: string } }
    assert.ok(paths.includes(httpGet?.path ?? ''), `${probe} asks ${httpGet?.path}`)
    assert.equal(httpGet?.port, 'ops')
  }
})
