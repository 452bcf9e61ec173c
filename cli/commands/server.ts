// `skerry server`: broker and manager.
import type { Command } from 'commander'
import { loadSettings, surroundings } from '../../config/load.js'
import { lockData } from '../lock.js'
import { addExamples, addSettings } from '../options.js'
import { aborted, type Shell } from '../shell.js'
import { formatFirstPassword } from '../views/up.js'

export function addServer(program: Command, shell: Shell): void {
  const command = program.command('server').description('run the broker and the manager, until Ctrl-C')
  addSettings(command, ['server'])
  command.addHelpText(
    'after',
    '\nThe HTTP URL is printed on standard output as soon as it answers; the rest is said and logged on standard error.',
  )
  command.action((flags: Record<string, unknown>) => serve(shell, flags))
  addExamples(command, [
    'skerry server',
    'skerry server --data ./data --mqtt-port 0 --http-port 0',
    'skerry server --mqtt-host 0.0.0.0 --http-host 0.0.0.0 --names fleet.example',
    'skerry server --mqtt-host 0.0.0.0 --plain-mqtt 10.1.4.2:1883',
  ])
}

async function serve(shell: Shell, flags: Record<string, unknown>): Promise<void> {
  const { values, places } = await loadSettings(flags, surroundings(shell.env))
  const lock = await lockData(values.data)
  try {
    const { createLog } = await import('../services/log.js')
    const { startServer } = await import('../services/server.js')
    const server = await startServer(values, createLog(values.logLevel))
    try {
      await lock.announce(server.url)
      if (server.firstPassword !== undefined) shell.say(formatFirstPassword(server.firstPassword))
      shell.say(`the certificate authority of this fleet has the fingerprint ${server.pki.caFingerprint}`)
      for (const url of server.mqttUrls) shell.say(`MQTT at ${url}`)
      const where = places.data === undefined ? '' : ` --data ${values.data}`
      shell.say(`a device joins with the line that \`skerry token create${where}\` prints`)
      shell.print(server.url)
      await aborted(shell.signal)
    } finally {
      await server.stop()
    }
  } finally {
    await lock.release()
  }
}
