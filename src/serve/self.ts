/** Edge: how this very program is started again. */

/** The words that run one of our own subcommands, from the sources as from the bundle. */
export const selfCommand = (subcommand: string): readonly [string, ...string[]] => [process.execPath, process.argv[1] ?? '', subcommand]
