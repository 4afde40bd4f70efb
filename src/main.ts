/** Edge: argv in, exit code out. The plain `serve` of a container goes past the command-line parser, which it does not need. */
import { describeError, exitCodeOfError } from './std/failure.ts'

const run = async (argv: readonly string[]): Promise<number> => {
  const [command, ...rest] = argv
  if (command === 'worker') return (await import('./serve/worker-main.ts')).workerMain()
  if (command === 'simulator') return (await import('./simulator/main.ts')).runSimulator(rest)
  if (command === undefined || (command === 'serve' && rest.length <= 1 && !rest[0]?.startsWith('-'))) {
    return (await import('./cli/serve.ts')).serveCommand(rest[0], [], {})
  }
  const { runCommandLine } = await import('./cli/program.ts')
  return runCommandLine(command.startsWith('-') && !['-h', '--help', '-V', '--version'].includes(command) ? ['serve', ...argv] : argv)
}

run(process.argv.slice(2)).then(process.exit, (error) => {
  process.stderr.write(`aim: ${describeError(error)}\n`)
  process.exit(exitCodeOfError(error))
})
