// What it takes to be let in by a broker, and files that settings name.
import { readFile } from 'node:fs/promises'
import type { Settings } from '../../config/settings.js'
import { SkerryError } from '../../protocol/errors.js'

/** Credentials and trust for a broker, as the manager and the agent take them. */
export async function brokerAccess({ mqttUsername: username, mqttPassword: password, mqttCa }: Settings) {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(mqttCa === undefined ? {} : { ca: await readSetting('mqtt-ca', mqttCa) }),
  }
}

/** Throws `config.invalid` with the setting's key. */
export async function readSetting(key: string, file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw new SkerryError('config.invalid', `cannot read ${file}`, { cause, path: key })
  })
}
