// The beginning of the bundle's entry: finds a compile cache that this uid may use for what follows. Kept tiny, because it is compiled at every start.
{
  const { lstatSync, mkdirSync, readdirSync, symlinkSync } = require('node:fs')
  const { enableCompileCache } = require('node:module')
  const { tmpdir } = require('node:os')

  const baked = `${__dirname}/compile-cache`
  const uid = process.getuid?.() ?? 0

  // Node keys its cache directory by version, architecture and uid (`v26.10.0-x64-<tag>-<uid>`), so what root baked is not looked at by
  // another uid. A link under the name that this uid looks for makes it serve all of them.
  const cacheDirectory = () => {
    const name = readdirSync(baked)[0]
    // Nothing is baked yet: this run does it, where it may write.
    if (name === undefined) return baked
    const mine = name.replace(/-\d+$/, `-${uid}`)
    if (mine === name) return baked
    const own = `${tmpdir()}/aim-compile-cache-${uid}`
    try {
      mkdirSync(own, { mode: 0o700 })
      symlinkSync(`${baked}/${name}`, `${own}/${mine}`)
    } catch {
      // Cached code is run, so a directory that another user made in a shared /tmp must not be trusted.
      const found = lstatSync(own)
      if (!found.isDirectory() || found.uid !== uid) return undefined
    }
    return own
  }

  try {
    const directory = cacheDirectory()
    if (directory !== undefined) enableCompileCache(directory)
  } catch {
    // Without a cache the start is slower and nothing else.
  }
}
