// The agent alone, as `npm run build:agent` bundles it: the settings of `skerry agent`, from the environment and the file.
import { asSkerryError, exitCodeOf, formatError } from './errors.js'
import { runAgent } from './run-agent.js'
import { createShell } from './shell.js'

const shell = createShell()
try {
  await runAgent(shell, {})
} catch (thrown) {
  const error = asSkerryError(thrown)
  shell.say(formatError(error))
  process.exitCode = exitCodeOf(error)
}
