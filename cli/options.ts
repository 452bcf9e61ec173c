// The options that many commands share; those of settings derive from the table in config/.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isSecret, keyOf, variableOf } from '../config/names.js'
import { type Role, settingNames, settings } from '../config/settings.js'
import { type Format, formats } from './output.js'

/** Adds `--config` and a flag for each setting of these roles that is no secret. */
export function addSettings(command: Command, roles: readonly Role[]): Command {
  command.addOption(new Option('--config <file>', 'settings as YAML (or SKERRY_CONFIG); without it skerry.yaml in the data folder'))
  for (const name of settingNames) {
    const { roles: readers, value, help } = settings[name]
    if (!readers.some(role => roles.includes(role))) continue
    if (isSecret(name)) continue
    command.addOption(new Option(`--${keyOf(name)} <${value}>`, help))
  }
  const secrets = settingNames.filter(name => isSecret(name) && settings[name].roles.some(role => roles.includes(role)))
  const last = secrets.length === 0 ? '' : ` Secrets: ${secrets.map(variableOf).join(', ')}, or a file.`
  return command.addHelpText(
    'after',
    `\nEvery option is also a variable (--http-port: SKERRY_HTTP_PORT) and a line in the file (http-port).${last}`,
  )
}

/** Adds what says which server to talk to, and `-o`. */
export function addClientOptions(command: Command, more: { readonly formats?: readonly Format[] } = {}): Command {
  return command
    .option('--server <url>', 'the server’s HTTP URL (or SKERRY_SERVER)')
    .option('--context <name>', 'the server with this name; see `skerry context`')
    .option('--http-token-file <file>', 'file that holds the API’s token (or SKERRY_HTTP_TOKEN)')
    .option('--data <dir>', 'folder of a server on this machine')
    .option('--config <file>', 'settings as YAML (or SKERRY_CONFIG)')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(more.formats ?? formats).default('table'))
}

export interface TargetFlags {
  readonly device?: string
  readonly group?: string
}

export function addTarget(command: Command): Command {
  return command
    .option('-d, --device <device>', 'the app on this device (id or name)')
    .option('-g, --group <group>', 'the app on this group')
}

/** Examples at the end of a command's help. */
export function addExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map(example => `  $ ${example}`).join('\n')}`)
}

/** `90`, `90s`, `5m`, `1h` or `7d` in ms. */
export function parseDuration(text: string): number {
  const [, amount, unit = 's'] = /^(\d{1,7})(ms|s|m|h|d)?$/.exec(text) ?? []
  if (amount === undefined) throw new InvalidArgumentError('use a number with ms, s, m, h or d, such as 90s or 5m')
  return Number(amount) * (unitMs[unit] ?? Number.NaN)
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** How long `--wait` waits, ms. */
export function timeoutOption(): Option {
  return new Option('--timeout <duration>', 'how long to wait, such as 90s or 5m')
    .argParser(parseDuration)
    .default(parseDuration('5m'), '5m')
}

/** `2048`, `16KB`, `20MB` or `1GB` as powers of 1000; `16KiB`, `1MiB` or `1GiB` as powers of 1024. */
export function parseBytes(text: string): number {
  const [, amount, prefix = '', binary = ''] = /^(\d{1,9})(?:([kmg]?)(i?)b)?$/i.exec(text) ?? []
  if (amount === undefined) throw new InvalidArgumentError('use a number with B, KB, MB, GB, KiB, MiB or GiB, such as 20MB')
  const power = prefix === '' ? 0 : 'kmg'.indexOf(prefix.toLowerCase()) + 1
  return Number(amount) * (binary === '' ? 1000 : 1024) ** power
}

export function parseWhole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('use a whole number')
  return Number(text)
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
