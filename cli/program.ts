// The command line as a whole. What is heavy is imported by the commands that need it, when they run.
import { Command, CommanderError } from 'commander'
import { readVersion } from './commands/version.js'
import { asSkerryError, exitCodeOf, formatError, formatProblem, usageError } from './errors.js'
import { addExamples } from './options.js'
import type { Shell } from './shell.js'

/** With all commands, or only those that a command line needs: an agent runs for months, and is to stay small. */
export async function buildProgram(shell: Shell, args: readonly string[] = []): Promise<Command> {
  const program = new Command('skerry')
  program.description('manages apps in containers on fleets of devices, over MQTT')
  // Inherited by the commands that are added below: errors are ours to print.
  program
    .exitOverride()
    .configureOutput({ writeOut: text => shell.print(text.trimEnd()), writeErr: text => shell.say(text.trimEnd()), outputError: () => {} })
  const [first = '-'] = args
  // A command may have an option of that name, which the program would take for its own: `apply --version`.
  if (first.startsWith('-')) program.version(readVersion(), '-V, --version')
  program.showSuggestionAfterError()
  for (const add of await commandsFor(args)) add(program, shell)
  return addExamples(program, [
    'skerry up',
    'skerry get devices',
    'skerry apply -f compose.yaml -n web --group line-1 --wait',
    'skerry watch',
  ])
}

async function commandsFor([first]: readonly string[]) {
  if (first === 'agent') return [(await import('./commands/agent.js')).addAgent]
  return (await import('./every-command.js')).everyCommand
}

/** Runs one command line (without node and script) and returns its exit code. Prints errors, as JSON if `-o json` asks for it. */
export async function runProgram(shell: Shell, args: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram(shell, args)
    await program.parseAsync([...args], { from: 'user' })
    return 0
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0
    if (shell.signal.aborted) return 130
    const error = thrown instanceof CommanderError ? usageOf(thrown) : asSkerryError(thrown)
    shell.say(wantsJson(args) ? formatProblem(error) : formatError(error))
    return exitCodeOf(error)
  }
}

function usageOf(error: CommanderError) {
  if (error.code === 'commander.help') return usageError('a command is missing; see above')
  return usageError(`${error.message.replace(/^error: |\.$/g, '').replaceAll('\n', ' ')}; see --help`)
}

function wantsJson(args: readonly string[]): boolean {
  return args.some(
    (arg, at) => arg === '-ojson' || arg === '--output=json' || (arg === 'json' && /^(-o|--output)$/.test(args[at - 1] ?? '')),
  )
}
