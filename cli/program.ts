// The command line as a whole. What is heavy is imported by the commands that need it, when they run.
import { Command, CommanderError } from 'commander'
import { addAccessToken } from './commands/access-token.js'
import { addAgent } from './commands/agent.js'
import { addApply } from './commands/apply.js'
import { addAudit } from './commands/audit.js'
import { addContext } from './commands/context.js'
import { addDelete } from './commands/delete.js'
import { addDescribe } from './commands/describe.js'
import { addDevice } from './commands/device.js'
import { addGet } from './commands/get.js'
import { addGroup } from './commands/group.js'
import { addImages } from './commands/images.js'
import { addKey } from './commands/key.js'
import { addLogin } from './commands/login.js'
import { addLogs } from './commands/logs.js'
import { addRestart } from './commands/restart.js'
import { addRun } from './commands/run.js'
import { addServer } from './commands/server.js'
import { addSet } from './commands/set.js'
import { addToken } from './commands/token.js'
import { addUp } from './commands/up.js'
import { addUpdate } from './commands/update.js'
import { addUser } from './commands/user.js'
import { addVersion, readVersion } from './commands/version.js'
import { addWatch } from './commands/watch.js'
import { asSkerryError, exitCodeOf, formatError, formatProblem, usageError } from './errors.js'
import { addExamples } from './options.js'
import type { Shell } from './shell.js'

export function buildProgram(shell: Shell): Command {
  const program = new Command('skerry')
  program.description('manages apps in containers on fleets of devices, over MQTT')
  // Inherited by the commands that are added below: errors are ours to print.
  program
    .exitOverride()
    .configureOutput({ writeOut: text => shell.print(text.trimEnd()), writeErr: text => shell.say(text.trimEnd()), outputError: () => {} })
  program.version(readVersion(), '-V, --version').showSuggestionAfterError()
  for (const add of [addUp, addServer, addAgent]) add(program, shell)
  for (const add of [
    addGet,
    addDescribe,
    addApply,
    addUpdate,
    addDelete,
    addRun,
    addRestart,
    addLogs,
    addGroup,
    addToken,
    addDevice,
    addKey,
    addSet,
    addWatch,
  ])
    add(program, shell)
  for (const add of [addImages, addLogin, addUser, addAccessToken, addAudit, addContext, addVersion]) add(program, shell)
  return addExamples(program, [
    'skerry up',
    'skerry get devices',
    'skerry apply -f compose.yaml -n web --group line-1 --wait',
    'skerry watch',
  ])
}

/** Runs one command line (without node and script) and returns its exit code. Prints errors, as JSON if `-o json` asks for it. */
export async function runProgram(shell: Shell, args: readonly string[]): Promise<number> {
  try {
    await buildProgram(shell).parseAsync([...args], { from: 'user' })
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

export function wantsJson(args: readonly string[]): boolean {
  return args.some(
    (arg, at) => arg === '-ojson' || arg === '--output=json' || (arg === 'json' && /^(-o|--output)$/.test(args[at - 1] ?? '')),
  )
}
