import { type Command, Option } from 'commander'
import { formats } from '../output.ts'

type Run = (...given: never[]) => Promise<number>

/** The `aim cache` commands, added to `cache`; `ended` is told each one's exit code. Each loads what it needs when it runs. */
export const addCacheCommands = (cache: Command, ended: (exitCode: number) => void): void => {
  const add = (usage: string, description: string, run: Run): Command =>
    cache
      .command(usage)
      .description(description)
      .addOption(new Option('--format <format>', 'how to print the answer').choices(formats).default('table'))
      .action(async (...given) => ended(await run(...(given as never[]))))
  const revision = ['--revision <revision>', 'branch, tag or commit'] as const
  add('pull [model]', 'fetch a model into the cache; needs no GPU, and goes on where an earlier pull stopped', async (model, given) =>
    (await import('./pull.ts')).cachePullCommand(model, given),
  )
    .option(...revision)
    .option('--include <patterns...>', 'only files that match one of these globs')
  add('ls [model]', 'what the cache holds', async (model, given) => (await import('./ls.ts')).cacheListCommand(model, given))
  add('verify [model]', 'whether all is there; 74 when not', async (model, given) =>
    (await import('./verify.ts')).cacheVerifyCommand(model, given),
  )
    .option('--deep', 'read every byte and compare checksums')
    .option('--repair', 'remove what is wrong and fetch it again')
  add('prune [model]', 'remove what nothing needs, and revisions by age, size or name; never what is in use', async (model, given) =>
    (await import('./prune.ts')).cachePruneCommand(model, given),
  )
    .option('--older-than <time>', 'revisions not used for so long, as 30d')
    .option('--max-size <size>', 'the least recently used until the rest fits, as 500GiB')
    .option('--revision <revision>', 'this commit or ref')
    .option('--dry-run', 'only say what would go')
  add('export [model]', 'a revision as a tar stream', async (model, given) =>
    (await import('./archive.ts')).cacheExportCommand(model, given),
  )
    .option(...revision)
    .option('--output <file>', 'to this file instead of stdout, where the answer then goes')
  add('import [file]', 'a stream of export, from a file or stdin', async (file, given) =>
    (await import('./archive.ts')).cacheImportCommand(file, given),
  )
  add('path [model]', "the directory of a model's snapshot, when it is whole", async (model, given) =>
    (await import('./ls.ts')).cachePathCommand(model, given),
  ).option(...revision)
}
