// `skerry up`: everything on one machine, with an example that runs; what `npm start` does.
import { join } from 'node:path'
import type { Command } from 'commander'
import { loadSettings, surroundings } from '../../config/load.js'
import type { Settings } from '../../config/settings.js'
import { openClient } from '../client.js'
import { contextsFile, loadContexts } from '../contexts.js'
import { ensureEngine } from '../engine.js'
import { openEngine } from '../engine-api.js'
import { asSkerryError, formatRefusal } from '../errors.js'
import { deployExample, type ExampleState, urlOfApp, waitForManager } from '../example/deploy.js'
import { prepareImage } from '../example/image.js'
import { localAccess } from '../local-token.js'
import { findHolder, type Lock, lockData } from '../lock.js'
import { addExamples, addSettings } from '../options.js'
import { aborted, type Shell } from '../shell.js'
import { formatFarewell, formatFirstPassword, formatUp } from '../views/up.js'

interface Flags extends Record<string, unknown> {
  readonly install: boolean
  /** The example's name; false: none. */
  readonly example: string | false
}

export function addUp(program: Command, shell: Shell): void {
  const command = program.command('up').description('run broker, manager and agent on this machine, with an example app, until Ctrl-C')
  command
    .option('--no-install', 'do not install or start a Docker Engine if none answers')
    .option('--example <app>', 'name of the example app', 'hello')
    .option('--no-example', 'do not deploy the example app')
  addSettings(command, ['server', 'agent'])
  command.action((flags: Flags) => up(shell, flags))
  addExamples(command, ['skerry up', 'skerry up --no-install --no-example', 'skerry up --data ./data --mqtt-port 0 --http-port 0'])
}

async function up(shell: Shell, flags: Flags): Promise<void> {
  const { values, places } = await loadSettings(flags, surroundings(shell.env))
  // People read this terminal: the log says only what they should look at, unless they ask for more.
  const settings: Settings = places.logLevel === undefined ? { ...values, logLevel: 'warn' } : values
  const holder = await findHolder(settings.data)
  if (holder !== undefined && holder.url !== '') return shell.print(`Skerry already runs here (process ${holder.pid}): ${holder.url}`)
  const lock = await lockData(settings.data)
  try {
    const { engine, data } = settings
    await ensureEngine({ engine, install: flags.install, logFile: join(data, 'dockerd.log'), say: shell.say })
    await runAll(shell, settings, { flags, lock, atFlag: places.data !== undefined || (await hasContext(shell)) })
  } finally {
    await lock.release()
  }
}

interface RunOptions {
  readonly flags: Flags
  readonly lock: Lock
  /** Whether other commands need to be told where the server is. */
  readonly atFlag: boolean
}

async function runAll(shell: Shell, settings: Settings, { flags, lock, atFlag }: RunOptions): Promise<void> {
  const { createLog } = await import('../services/log.js')
  const { startServer } = await import('../services/server.js')
  const { joinServer, startLocalAgent } = await import('../services/agent.js')
  const log = createLog(settings.logLevel)
  let app: string | undefined
  let appUrl: string | undefined
  const server = await startServer(settings, log)
  try {
    await lock.announce(server.url)
    shell.say(`broker at ${server.mqttUrls.join(', ')}; manager at ${server.url}`)
    if (server.firstPassword !== undefined) shell.say(formatFirstPassword(server.firstPassword))
    await waitForManager(openClient(server.url, await localAccess(server.url, settings.data)), shell.signal)
    const local: Settings = { ...settings, server: server.mqttUrl }
    await joinServer(local, { log, signal: shell.signal }, server)
    const agent = await startLocalAgent(local, { log, signal: shell.signal })
    try {
      const state = await tryExample(shell, settings, { url: server.url, device: agent.id, flags })
      if (state?.app.run === 'running') app = state.app.name
      if (state !== undefined) appUrl = urlOfApp(state.app, agent.id)
      if (!shell.signal.aborted)
        shell.print(formatUp({ server, state, appUrl, command: commandOf(shell, atFlag ? settings.data : undefined) }))
      const released = await Promise.race([aborted(shell.signal), agent.released])
      shell.say(released === undefined ? 'stopping' : 'this machine’s device has been released: stopping; a later start registers it anew')
    } finally {
      await agent.stop('Stopped')
    }
  } finally {
    await server.stop()
  }
  shell.say(formatFarewell({ app, appUrl, data: settings.data, command: commandOf(shell) }))
}

/** The example is no reason to end: whatever goes wrong with it is said, and the fleet manager runs on. */
async function tryExample(
  shell: Shell,
  settings: Settings,
  { url, device, flags }: { url: string; device: string; flags: Flags },
): Promise<ExampleState | undefined> {
  if (flags.example === false) return undefined
  const { say, signal } = shell
  const client = openClient(url, await localAccess(url, settings.data))
  const image = () => prepareImage({ api: openEngine(settings.engine), install: flags.install, say, signal })
  try {
    return await deployExample({ client, name: flags.example, device, image, say, signal })
  } catch (error) {
    if (!signal.aborted) say(`error: the example does not run: ${formatRefusal(asSkerryError(error).refusal)}`)
    return undefined
  }
}

/** With a current context, other commands would go to that server instead. A broken list of contexts is theirs to report. */
async function hasContext(shell: Shell): Promise<boolean> {
  if (shell.env.SKERRY_CONTEXT || shell.env.SKERRY_SERVER) return true
  return loadContexts(contextsFile(shell.env)).then(
    ({ current }) => current !== undefined,
    () => false,
  )
}

/** How a user runs this program: by npx in a checkout; with the data folder where the server is not found otherwise. */
function commandOf(shell: Shell, data?: string): (args: string) => string {
  const program = shell.env.npm_lifecycle_event === undefined ? 'skerry' : 'npx skerry'
  return args => `${program} ${args}${data === undefined ? '' : ` --data ${data}`}`
}
