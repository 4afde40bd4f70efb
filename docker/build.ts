/**
 * Bundles the sources to dist/: an entry, one chunk with all that a container's start needs, and chunks that load when used, which run
 * without node_modules; the compiled recipe index, the engine's flags, and the place of a baked compile cache. One chunk for the start, because each costs two
 * opens and a link; others for the rest, because the size of a file is paid whenever any of it is loaded.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { loadCatalog } from '../src/recipes/catalog.ts'
import { compile } from '../src/recipes/index-file.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** What a container loads before its engine runs: this and all that it imports statically. Not main.ts, which runs when it is imported. */
const hot = join(root, 'src/cli/serve.ts')

/** A module's name and those of all that it imports statically. */
const closure = (id: string, importsOf: (id: string) => readonly string[]): ReadonlySet<string> => {
  const found = new Set([id])
  for (const one of found) for (const imported of importsOf(one)) found.add(imported)
  return found
}

rmSync(dist, { recursive: true, force: true })
let together: ReadonlySet<string> | undefined
const bundle = await rolldown({
  // The thread stands beside the chunks, where who starts it looks for it.
  input: { main: join(root, 'src/main.ts'), 'transfer-thread': join(root, 'src/cache/transfer-thread.ts') },
  platform: 'node',
})
await bundle.write({
  dir: dist,
  format: 'esm',
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
          return together.has(id) ? 'serve' : null
        },
      },
    ],
  },
})
cpSync(join(root, 'docker/launch.js'), join(dist, 'aim.js'))
cpSync(join(root, 'src/engine/flags'), join(dist, 'flags'), { recursive: true })
writeFileSync(join(dist, 'package.json'), '{"type":"module"}\n')
writeFileSync(join(dist, 'recipes.jsonl'), compile(await loadCatalog([join(root, 'recipes')])))
mkdirSync(join(dist, 'compile-cache'))
