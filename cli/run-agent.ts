// Runs the agent of this machine until it is told to stop or released from its fleet; lets it join first.
import type { JoinEvent } from '../agent/join.js'
import { loadSettings, surroundings } from '../config/load.js'
import type { Settings } from '../config/settings.js'
import { SkerryError, unwrap } from '../protocol/errors.js'
import { parseJoinToken } from '../protocol/join-token.js'
import { formatRefusal } from './errors.js'
import { joinLocalAgent, readMember, startLocalAgent } from './services/agent.js'
import { createLog } from './services/log.js'
import { aborted, type Shell } from './shell.js'

/** Prints the device's id. A machine that has joined no fleet asks the server that is set, if one is. Throws `identity.missing`, `config.invalid`, `state.in-use`. */
export async function runAgent(shell: Shell, flags: Record<string, unknown>): Promise<void> {
  const { values, places } = await loadSettings(flags, surroundings(shell.env))
  if (values.server !== undefined) checkUrl(values.server, places.server)
  const log = createLog(values.logLevel)
  if (values.server !== undefined && (await readMember(values, log)) === undefined) {
    const wish = { url: values.server, patient: true, onEvent: tell(shell) }
    await joinLocalAgent(values, { log, signal: shell.signal }, wish)
  }
  await run(shell, values)
}

export interface JoinWords {
  /** As a person gives it: `mqtts://HOST:PORT`, or `HOST`. */
  readonly url: string
  /** `-`: read from standard input. */
  readonly token: string | undefined
  /** Whether to run the agent once it has joined. */
  readonly run: boolean
}

/** Joins a fleet, and prints the device's id. Throws the server's refusal. */
export async function joinAgent(shell: Shell, { url, token, run: runs }: JoinWords, flags: Record<string, unknown>): Promise<void> {
  // Other users of the machine see the arguments of a process for as long as it runs.
  if (token !== undefined) process.title = 'skerry agent'
  const { values } = await loadSettings(flags, surroundings(shell.env))
  const address = url.includes('://') ? url : `mqtts://${url}`
  checkUrl(address, 'URL')
  const text = token === '-' ? (await shell.readInput()).trim() : token
  const wish = {
    url: address,
    token: text === undefined ? undefined : unwrap(parseJoinToken(text)),
    patient: false,
    onEvent: tell(shell),
  }
  const { id } = await joinLocalAgent(values, { log: createLog(values.logLevel), signal: shell.signal }, wish)
  shell.say('this machine has joined the fleet')
  if (runs) await run(shell, { ...values, server: undefined })
  else shell.print(id)
}

async function run(shell: Shell, settings: Settings): Promise<void> {
  const agent = await startLocalAgent(settings, { log: createLog(settings.logLevel), signal: shell.signal })
  shell.print(agent.id)
  const released = await Promise.race([aborted(shell.signal), agent.released])
  if (released === undefined) await agent.stop('Stopped')
  else shell.say(`this device has been released from its fleet; its apps were ${released === 'keep' ? 'left as they are' : 'removed'}`)
}

function checkUrl(url: string, place: string | undefined): void {
  if (/^(mqtts?|wss?):\/\/./.test(url)) return
  throw new SkerryError('config.invalid', `${JSON.stringify(url)} is no MQTT URL: use mqtts://HOST:8883`, { path: place })
}

function tell(shell: Shell): (event: JoinEvent) => void {
  return event => {
    switch (event.kind) {
      case 'found':
        return shell.say(`the server’s certificate authority is ${event.ca}`)
      case 'pending':
        return shell.say(
          `waiting until somebody lets this device in; on the server:\n  skerry device approve ${event.key.startsWith('-') ? '-- ' : ''}${event.key}\nCompare the key, and there the authority, with what stands here.`,
        )
      case 'failed':
        return shell.say(`${formatRefusal(event.error.refusal)}; trying again`)
    }
  }
}
