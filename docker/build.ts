/**
 * Bundles the sources to dist/, or to the directory that is named: an entry, one chunk with all that a container's start needs, and chunks that load when used, which run
 * without node_modules; the compiled recipe index, the engine's flags, and the place of a baked compile cache. One chunk for the start, because each costs two
 * opens and a link; others for the rest, because the size of a file is paid whenever any of it is loaded.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import { loadCatalog } from '../src/recipes/catalog.ts'
import { compile } from '../src/recipes/index-file.ts'

const root = join(import.meta.dirname, '..')
const dist = process.argv[2] ?? join(root, 'dist')

/** What a container loads before its engine runs: this and all that it imports statically. Not main.ts, which runs when it is imported. */
const hot = join(root, 'src/cli/serve.ts')

/** A module's name and those of all that it imports statically. */
const closure = (id: string, importsOf: (id: string) => readonly string[]): ReadonlySet<string> => {
  const found = new Set([id])
  for (const one of found) for (const imported of importsOf(one)) found.add(imported)
  return found
}

/**
 * Parts of packages that we never call and that load much of Node when they are imported: TLS, zlib and threads. What reaches them by
 * name still gets an object.
 */
const uncalled = /\/(?:prom-client\/lib\/(?:pushgateway|cluster|defaultMetrics|summary)|pino\/lib\/transport)\.js$/

/**
 * A copy of zod for what is hot, so that it holds no more than that calls: shared, it would also carry what the recipe schema calls, four
 * times as much.
 */
const mark = '?hot'
const twin: Plugin = {
  name: 'twin',
  async resolveId(source, importer) {
    if (importer === undefined || !(importer.endsWith(mark) || (/^zod\b/.test(source) && importer.includes('/src/config/')))) return null
    const resolved = await this.resolve(source, importer.replace(mark, ''))
    return resolved === null ? null : { ...resolved, id: `${resolved.id}${mark}` }
  },
  load: (id) => (id.endsWith(mark) ? readFileSync(id.replace(mark, ''), 'utf8') : null),
}

rmSync(dist, { recursive: true, force: true })
let together: ReadonlySet<string> | undefined
const bundle = await rolldown({
  // The thread stands beside the chunks, where who starts it looks for it.
  input: { main: join(root, 'src/main.ts'), 'transfer-thread': join(root, 'src/cache/transfer-thread.ts') },
  platform: 'node',
  // From the sources, where nothing is put together, such an import does load late.
  checks: { ineffectiveDynamicImport: false },
  plugins: [{ name: 'uncalled', load: { filter: { id: uncalled }, handler: () => 'module.exports = {}' } }, twin],
})
await bundle.write({
  dir: dist,
  format: 'cjs',
  dynamicImportInCjs: false,
  minify: true,
  comments: false,
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  codeSplitting: {
    groups: [
      {
        debugName: 'serve',
        name: (id, context) => {
          together ??= closure(hot, (from) => context.getModuleInfo(from)?.importedIds ?? [])
          return together.has(id) || id.includes('rolldown/runtime') ? 'serve' : null
        },
      },
    ],
  },
})
// V8 keeps a source for as long as it runs, in two bytes a character where one of them needs it.
for (const file of globSync(join(dist, '*.js'))) {
  const text = readFileSync(file, 'utf8')
  const ascii = text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  if (ascii !== text) writeFileSync(file, ascii)
}
// In one file, because each that a start requires is looked up, read and checked.
const launch = readFileSync(join(root, 'docker/launch.js'), 'utf8')
writeFileSync(join(dist, 'aim.js'), `${launch}${readFileSync(join(dist, 'main.js'), 'utf8')}`)
rmSync(join(dist, 'main.js'))
cpSync(join(root, 'src/engine/flags'), join(dist, 'flags'), { recursive: true })
writeFileSync(join(dist, 'package.json'), '{"type":"commonjs"}\n')
// The image does not have the checkout: a recipe is named as it is there.
const { profiles } = await loadCatalog([join(root, 'recipes')])
writeFileSync(join(dist, 'recipes.jsonl'), compile({ profiles: profiles.map((one) => ({ ...one, source: relative(root, one.source) })) }))
mkdirSync(join(dist, 'compile-cache'))
