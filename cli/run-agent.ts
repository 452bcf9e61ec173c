// Runs the agent of this machine until it is told to stop or released from its fleet.
import { loadSettings, surroundings } from '../config/load.js'
import { SkerryError } from '../protocol/errors.js'
import { startLocalAgent } from './services/agent.js'
import { createLog } from './services/log.js'
import { aborted, type Shell } from './shell.js'

/** Prints the device's id. Throws `config.invalid`, `state.in-use`. */
export async function runAgent(shell: Shell, flags: Record<string, unknown>): Promise<void> {
  const { values, places } = await loadSettings(flags, surroundings(shell.env))
  const url = values.server ?? 'mqtt://127.0.0.1:8883'
  if (/^https?:/.test(url)) {
    throw new SkerryError('config.invalid', `${JSON.stringify(url)} is no MQTT URL: use mqtt://host:1883`, { path: places.server })
  }
  const agent = await startLocalAgent(values, url, createLog(values.logLevel), shell.signal)
  shell.print(agent.id)
  const released = await Promise.race([aborted(shell.signal), agent.released])
  if (released === undefined) await agent.stop('Stopped')
  else shell.say(`this device has been released from its fleet; its apps were ${released === 'keep' ? 'left as they are' : 'removed'}`)
}
