// The agent alone, as `npm run build:agent` bundles it: runs, or joins a fleet and runs; settings from the environment and the file.
import { asSkerryError, exitCodeOf, formatError, usageError } from './errors.js'
import { joinAgent, runAgent } from './run-agent.js'
import { createShell, type Shell } from './shell.js'

async function main(shell: Shell, args: readonly string[]): Promise<void> {
  if (args.length === 0) return runAgent(shell, {})
  const [command, url, token, ...others] = args.filter(arg => arg !== '--no-run')
  if (command !== 'join' || url === undefined || others.length > 0) throw usageError('use no argument, or join URL [TOKEN] [--no-run]')
  await joinAgent(shell, { url, token, run: !args.includes('--no-run') }, {})
}

const shell = createShell()
try {
  await main(shell, process.argv.slice(2))
} catch (thrown) {
  const error = asSkerryError(thrown)
  shell.say(formatError(error))
  process.exitCode = exitCodeOf(error)
}
