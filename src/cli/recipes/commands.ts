import { type Command, Option } from 'commander'
import { type Format, formats } from '../output.ts'
import type { RecipeFlags } from './scene.ts'

type Given = RecipeFlags & { readonly format: Format }

type Run = (...given: never[]) => Promise<number>

/** The `aim recipes` commands, added to `recipes`; `ended` is told each one's exit code. Each loads what it needs when it runs. */
export const addRecipeCommands = (recipes: Command, ended: (exitCode: number) => void): void => {
  withMachine(recipes).option('--why <id>', 'with a model: all that speaks for and against this profile')
  const add = (usage: string, description: string, run: Run): Command =>
    recipes
      .command(usage)
      .description(description)
      .addOption(new Option('--format <format>', 'how to print the answer').choices(formats).default('table'))
      .action(async (...given) => ended(await run(...(given as never[]))))
  add(
    'validate [path]',
    'whether recipes can be read: every problem with its line and column; 78 when there is one',
    async (path, { format }) => (await import('./validate.ts')).validateRecipesCommand(path, format),
  )
  withMachine(
    add('new <model>', 'the beginning of a recipe, on stdout', async (model, { format, ...flags }: Given) =>
      (await import('./new.ts')).newRecipeCommand(model, flags, format),
    ),
  )
  add('schema', 'the recipe format as a JSON Schema, for editors', async ({ format }) =>
    (await import('./schema.ts')).recipeSchemaCommand(format),
  )
}

const withMachine = (command: Command): Command =>
  command
    .option('--gpu-model <name>', 'for this product instead of what is here')
    .option('--gpu-count <n>', 'for so many GPUs')
    .addOption(new Option('--gpu <name>').hideHelp())
    .addOption(new Option('--count <n>').hideHelp())
    .option('--precision <format>', 'only this number format of the weights')
    .option('--metric <metric>', 'only profiles tuned for latency or throughput')
    .option('--root <dir>', 'read the machine from a captured tree')
