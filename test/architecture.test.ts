import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { test } from 'node:test'
import { edges } from './edges.ts'

/** Ranks of the rooms; a room imports only from a lower one. */
const ranks: Readonly<Record<string, number>> = {
  ...{ main: 8, cli: 7, serve: 6, render: 6, config: 5, ops: 4, telemetry: 4, plan: 3, recipes: 2 },
  ...{ hardware: 1, model: 1, cache: 1, engine: 1, supervisor: 1, gateway: 1, simulator: 1, std: 0 },
}

/** Modules that only compute. */
const pureModules = new Set(['node:path', 'node:util', 'zod', 'zod/mini', 'yaml'])

/** Globals that touch the world: the process, timers, the clock, randomness, the network. */
const worldly =
  /(?<![\w.'`-])(?:process\.|setTimeout\(|setInterval\(|setImmediate\(|Date\.now\(|new Date\(\)|performance\.|Math\.random\(|crypto\.|fetch\(|console\.|queueMicrotask\(|AbortSignal\.timeout\()/

const root = join(import.meta.dirname, '..')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => join('src', path))
  .sort()

const codeOf = (path: string): string =>
  readFileSync(join(root, path), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(?<=^|\s)\/\/.*$/gm, '')

const importsOf = (code: string): { readonly specifier: string; readonly typeOnly: boolean }[] =>
  [
    ...code.matchAll(
      /(?:import|export)\s+(type\s)?[^'"`;]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|import\s+['"]([^'"]+)['"]/g,
    ),
  ].map((match) => ({
    specifier: match[2] ?? match[3] ?? match[4] ?? '',
    typeOnly: match[1] !== undefined,
  }))

const roomOf = (path: string): string => {
  const [, room = ''] = path.split('/')
  return room.endsWith('.ts') ? room.slice(0, -3) : room
}

test('every room imports only from a lower rank', () => {
  const wrong = sources.flatMap((path) =>
    importsOf(codeOf(path))
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => relative('.', normalize(join(dirname(path), specifier))))
      .filter((target) => roomOf(target) !== roomOf(path) && (ranks[roomOf(target)] ?? 99) >= (ranks[roomOf(path)] ?? -1))
      .map((target) => `${path} imports ${target}`),
  )
  assert.deepEqual(wrong, [])
})

test('every folder of src is a room with a rank', () => {
  assert.deepEqual(
    sources.filter((path) => ranks[roomOf(path)] === undefined),
    [],
  )
})

const touchesWorld = (path: string): boolean => {
  const code = codeOf(path)
  const packages = importsOf(code).filter(
    ({ specifier, typeOnly }) => !typeOnly && !specifier.startsWith('.') && !pureModules.has(specifier),
  )
  return packages.length > 0 || worldly.test(code)
}

test('only the listed edge files touch the world, and each of them does', () => {
  assert.deepEqual(sources.filter(touchesWorld), [...edges].sort())
})

test('process.exit stands in main.ts alone', () => {
  assert.deepEqual(
    sources.filter((path) => /process\.exit\(/.test(codeOf(path))),
    ['src/main.ts'],
  )
})

/** Files that are one table each, which may be longer. */
const tables = new Set(['src/config/variables.ts', 'src/hardware/products.ts', 'src/simulator/flags.ts'])

test('no file has a default export, a name that says nothing, or more than 250 lines', () => {
  const wrong = sources.filter((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return (
      /^export default/m.test(text) ||
      /(?:manager|helper|utils?|common|info)\b/.test(path) ||
      (text.split('\n').length > 251 && !tables.has(path))
    )
  })
  assert.deepEqual(wrong, [])
})

test('every export has a doc comment', () => {
  const wrong = sources.flatMap((path) => {
    const lines = readFileSync(join(root, path), 'utf8').split('\n')
    return lines.flatMap((line, at) =>
      /^export (?:const|function|class|type|async)/.test(line) && !/\*\/\s*$/.test(lines[at - 1] ?? '')
        ? [`${path}:${at + 1} ${line.slice(0, 60)}`]
        : [],
    )
  })
  assert.deepEqual(wrong, [])
})
