/** The command line. Each command loads what it needs when it runs. */
import { Command, CommanderError, Option } from 'commander'
import { exitCodes } from '../std/exit-codes.ts'
import { version } from '../std/version.ts'
import type { DownloadOptions } from './amd/download-to-cache.ts'
import type { ListOptions } from './amd/list-profiles.ts'
import { states } from './amd/state-names.ts'
import { addCacheCommands } from './cache/commands.ts'
import type { DoctorFlags } from './doctor.ts'
import { engineOptions, type FitFlags } from './fit-options.ts'
import type { GpusFlags } from './gpus.ts'
import type { Flags } from './options.ts'
import { type Format, formats } from './output.ts'
import type { planFormats } from './plan.ts'
import { addRecipeCommands } from './recipes/commands.ts'

type Add = (
  usage: string,
  description: string,
  run: (...given: never[]) => Promise<number>,
  choices?: readonly string[],
  usual?: string,
) => Command

type Common = Flags & { readonly format: Format }

/** Runs one command line (without node and script) and resolves with the exit code; failures are thrown. */
export const runCommandLine = async (words: readonly string[]): Promise<number> => {
  // Split here: commander would take the first word after -- for the model.
  const end = words.indexOf('--')
  const [argv, extra] = end === -1 ? [words, []] : [words.slice(0, end), words.slice(end + 1)]
  let exitCode = 0
  const program = new Command('aim')
    .description('Entrypoint and init of AMD inference containers. Without a command: serve.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(text) })
    .helpCommand(false)
    // So that --format after `cache ls` is that of ls.
    .enablePositionalOptions()
  const add: Add = (usage, description, run, choices = formats, usual = 'table') =>
    program
      .command(usage)
      .description(description)
      .addOption(new Option('--format <format>', 'how to print the answer').choices(choices).default(usual))
      .action(async (...given) => {
        exitCode = await run(...(given as never[]))
      })

  withFlags(
    add(
      'serve [model]',
      'detect, plan, pull, start the engine and stand behind it (the default); what follows -- goes to the engine',
      async (model, flags: Flags) => (await import('./serve.ts')).serveCommand(model, extra, flags),
    ),
  )
  withFlags(
    add(
      'plan [model]',
      'what serve would do, without doing it; what follows -- would go to the engine',
      async (model, { format, ...flags }: Flags & { readonly format: (typeof planFormats)[number] }) =>
        (await import('./plan.ts')).planCommand(model, extra, flags, format),
      [...formats, 'shell', 'env'],
    ),
  )
  withFlags(
    add(
      'explain [model]',
      'where each argument and variable of the engine comes from; what follows -- would go to the engine',
      async (model, { format, ...flags }: Common) => (await import('./explain.ts')).explainCommand(model, extra, flags, format),
    ),
  )
  withFitOptions(
    add(
      'fit <model>',
      'whether a model (org/name, a directory, a config.json) fits on GPUs that need not be here; exits 69 when it does not',
      async (model, flags: Common & FitFlags) => (await import('./fit.ts')).fitCommand(model, extra, flags),
    ),
  )
  add('gpus', 'the GPUs, CPUs and memory of this machine', async ({ format, ...flags }: Common & GpusFlags) =>
    (await import('./gpus.ts')).gpusCommand(flags, format),
  )
    .option('--watch [seconds]', 'what each GPU does now, again and again (2 s)')
    .option('--links', 'what joins them, as a matrix')
    .option('--capture <file>', 'write what this machine looks like to a .tar.gz (- for stdout), for a bug report')
    .option('--root <dir>', 'read a captured tree instead of this machine')
  add(
    'doctor [model]',
    'what is wrong with where this runs, or with a model here, and how to mend it; the exit code is that of the worst',
    async (model: string | undefined, { format, ...flags }: Common & DoctorFlags) =>
      (await import('./doctor.ts')).doctorCommand(model, flags, format),
  )
    .option('--strict', 'exit with 1 when there are warnings alone')
    .option('--gpu-count <n>', 'GPUs that the model is to use, auto, or 0 for the CPU')
    .option('--root <dir>', 'read a captured tree instead of this machine')
  const recipes = add(
    'recipes [model]',
    'what can be served, and how it stands to this machine; validate, new and schema for recipes of your own',
    async (model: string | undefined, { format, ...flags }: Common & { readonly why?: string }) =>
      model === undefined
        ? (await import('./recipes/list.ts')).listRecipesCommand(flags, format)
        : (await import('./recipes/model.ts')).modelRecipesCommand(model, flags, format),
  )
  addRecipeCommands(recipes, (code) => {
    exitCode = code
  })
  add('status', 'what the running supervisor is doing', async ({ format }: Common) => (await import('./status.ts')).statusCommand(format))
  add('why [log]', 'why an engine failed, from a log that was kept (a file, or - for what is piped in)', async (log, { format }: Common) =>
    (await import('./why.ts')).whyCommand(log ?? '-', format),
  )
  add('healthcheck', 'exit 0 when the engine is ready, 1 when not', async ({ format }: Common) =>
    (await import('./status.ts')).healthcheckCommand(format),
  )
  const cache = add('cache', 'the model cache: pull, ls, verify, prune, export, import, path', async () => {
    cache.outputHelp()
    return exitCodes.usage
  })
  addCacheCommands(cache, (code) => {
    exitCode = code
  })
  addAmd(add)
  add('version', 'the version', async ({ format }: Common) => (await import('./version.ts')).versionCommand(format))
  add('help [topic]', 'this text, or `help env` for every variable', async (topic, { format }: Common) => {
    if (topic === 'env') return (await import('./help-env.ts')).helpEnvCommand(format)
    return (await import('./help.ts')).helpCommand(program, topic, format)
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
    throw error
  }
}

/** AMD's own commands: `words` are those of its runtime (aim-build 0.9, src/entrypoint.py). */
const addAmd = (add: Add): void => {
  add(
    'dry-run',
    "the selected profile as AMD's runtime prints it",
    async ({ format }: { readonly format: 'yaml' | 'json' }) => (await import('./amd/dry-run.ts')).dryRunCommand(format),
    ['yaml', 'json'],
    'yaml',
  )
  add(
    'list-profiles',
    "profiles and whether they can run here, as AMD's runtime prints them",
    async (given: ListOptions) => (await import('./amd/list-profiles.ts')).listProfilesCommand(given),
    ['text', 'table', 'json', 'yaml'],
  )
    .addOption(new Option('--state <state>', 'only profiles in this state').choices(['all', ...states]).default('all'))
    .option('--skip-compatibility-check', 'look at no GPU and list all profiles')
    .option('-v, --verbose', "accepted for AMD's scripts; every reason is in `aim plan`")
  add('download-to-cache', 'fetch the model into the cache, without a GPU', async (given: DownloadOptions) =>
    (await import('./amd/download-to-cache.ts')).downloadCommand(given),
  )
    .option('--model-id <id>', 'this model (hf://org/name) instead of the selected one')
    .option('--use-hf-cache', "accepted for AMD's scripts: the cache always has Hugging Face's layout")
    .option('--custom-model-name <name>', 'directory name for downloads from S3')
    .option('--model-name <name>', "the same, as AMD's README calls it")
}

const withFitOptions = (command: Command): void => {
  command
    .option('--gpu <name>', "a product (MI300X, R9700, 'H100 80GB'); this machine's GPU when left out")
    .option('--count <n>', 'how many')
    .option('--vram <size>', 'memory of each, instead of what the product has')
    .option('--context <tokens>', 'the same as --max-model-len')
    .option('--engine-version <version>', 'vLLM as it calls itself; that of this image when left out')
    .option('--weights-bytes <size>', 'what the weight files take, where none is there')
    .option('--parameters <n>', 'such as 8B, where no weight file is there')
    .option('--revision <revision>', 'branch, tag or commit of the model')
  for (const [flags, description] of engineOptions) command.option(flags, description)
}

const withFlags = (command: Command): Command =>
  command
    .option('--gpu-count <n>', 'GPUs to use, auto, or 0 for the CPU')
    .option('--gpu-model <name>', 'plan for this product instead of the detected one')
    .addOption(new Option('--gpu <name>').hideHelp())
    .addOption(new Option('--count <n>').hideHelp())
    .option('--precision <format>', 'number format of the weights')
    .option('--metric <metric>', 'latency or throughput')
    .option('--engine <engine>', 'vllm or simulator')
    .option('--profile <id>', 'use exactly this profile')
    .option('--revision <revision>', 'branch, tag or commit of the model')
    .option('--root <dir>', 'read the machine from a captured tree')
