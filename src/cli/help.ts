/** `aim help`: the command line told as text or as a value. */
import type { Command } from 'commander'
import { exitCodes } from '../std/exit-codes.ts'
import { Failure } from '../std/failure.ts'
import { nearest } from '../std/nearest.ts'
import { type Format, print } from './output.ts'

/** One command as `aim help --format json` tells it; `commands` are those below it. */
export type CommandHelp = {
  readonly name: string
  readonly usage: string
  readonly description: string
  readonly options: readonly { readonly flags: string; readonly description: string; readonly default?: unknown }[]
  readonly commands: readonly CommandHelp[]
}

/** A command and all below it, without what is hidden. */
export const describeCommand = (command: Command): CommandHelp => {
  const help = command.createHelp()
  return {
    name: command.name(),
    usage: help.commandUsage(command),
    description: command.description(),
    options: help.visibleOptions(command).map(({ flags, description, defaultValue }) => ({
      flags,
      description,
      ...(defaultValue === undefined ? {} : { default: defaultValue }),
    })),
    commands: help.visibleCommands(command).map(describeCommand),
  }
}

/** Prints the help of the command that `topic` names, or of the whole program; a name that is none is a Failure (2). */
export const helpCommand = async (program: Command, topic: string | undefined, format: Format): Promise<number> => {
  const command = topic === undefined ? program : program.commands.find((known) => known.name() === topic)
  if (command === undefined) throw unknownTopic(topic ?? '', ['env', ...program.commands.map((known) => known.name())])
  await print(format, describeCommand(command), () => command.helpInformation().trimEnd())
  return 0
}

const unknownTopic = (topic: string, known: readonly string[]): Failure => {
  const close = nearest(topic, known)
  return new Failure(`cannot help with ${JSON.stringify(topic)}: a topic must be a command or env`, {
    exitCode: exitCodes.usage,
    fix: close === undefined ? '`aim help` lists the commands' : `did you mean aim help ${close}?`,
  })
}
