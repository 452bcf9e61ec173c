// How settings are written: their names as flags and lines of the file, as environment variables, and which must not be flags.
import { type SettingName, settings } from './settings.js'

/** `mqttPort` as it is written on the command line (after `--`) and in the file. */
export function keyOf(name: SettingName): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

export function variableOf(name: SettingName): string {
  return `SKERRY_${keyOf(name).replaceAll('-', '_').toUpperCase()}`
}

export function isSecret(name: SettingName): boolean {
  return settings[name].secret === true
}
