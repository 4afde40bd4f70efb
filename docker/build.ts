/**
 * Bundles the sources to dist/: an entry and a few chunks that run without node_modules, the compiled recipe index, and a baked compile
 * cache. Several chunks and not one, because the size of a file is paid whenever any of it is loaded.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { loadCatalog } from '../src/recipes/catalog.ts'
import { compile } from '../src/recipes/index-file.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** CommonJS packages inside an ES bundle still call require for Node's own modules. */
const banner = "import { createRequire as aimCreateRequire } from 'node:module';const require = aimCreateRequire(import.meta.url);"

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)
await build({
  // The thread stands beside the chunks, where who starts it looks for it.
  entryPoints: { main: join(root, 'src/main.ts'), 'transfer-thread': join(root, 'src/cache/transfer-thread.ts') },
  outdir: dist,
  bundle: true,
  splitting: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  target: 'node26',
  legalComments: 'none',
  logLevel: 'warning',
  banner: { js: banner },
})
cpSync(join(root, 'docker/launch.js'), join(dist, 'aim.js'))
writeFileSync(join(dist, 'package.json'), '{"type":"module"}\n')
writeFileSync(join(dist, 'recipes.json'), compile(await loadCatalog([join(root, 'recipes')])))
mkdirSync(join(dist, 'compile-cache'))
