// `skerry set device`: name, description, labels and heartbeat interval.
import { type Command, InvalidArgumentError } from 'commander'
import type { Device } from '../api/devices.js'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { usageError } from '../errors.js'
import { parseLabel } from '../labels.js'
import { addClientOptions, addExamples, collect, parseDuration } from '../options.js'
import { type Format, printResult } from '../output.js'
import type { Shell } from '../shell.js'

interface Changes {
  readonly name?: string
  readonly description?: string
  readonly label?: readonly string[]
  /** Seconds, or the agent's default. (Commander would turn a null into "".) */
  readonly interval?: number | 'default'
}

export function addSet(program: Command, shell: Shell): void {
  const set = program.command('set').description('change a device')
  const command = set.command('device').description('change a device').argument('<device>', 'its id or name')
  command
    .option('--name <name>', 'what to call it')
    .option('--description <text>', 'what it is; "" takes it away')
    .option('-l, --label <key=value>', 'set a label; `key-` takes it away; may be repeated', collect)
    .option('--interval <duration>', 'between its heartbeats, such as 30s; `default` for the agent’s own', parseInterval)
  addClientOptions(command).action(async (device: string, flags: ClientFlags & Changes & { output: Format }) => {
    const body = toPatch(flags)
    if (Object.keys(body).length === 0) throw usageError('nothing to change: use --name, --description, --label or --interval')
    const value = await (await connect(shell, flags)).request<Device>('PATCH', pathOf('devices', device), { body })
    await printResult(shell, flags.output, { value, name: value.id, sentence: `device ${value.name} changed` })
  })
  for (const each of [set, command]) {
    addExamples(each, [
      'skerry set device press-7 --label hall=3 --label spare-',
      'skerry set device 4f1c --name press-8',
      'skerry set device press-7 --interval 1m',
    ])
  }
}

function toPatch({ name, description, label, interval }: Changes): Record<string, unknown> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(label === undefined ? {} : { labels: Object.fromEntries(label.map(parseLabel)) }),
    ...(interval === undefined ? {} : { intervalS: interval === 'default' ? null : interval }),
  }
}

function parseInterval(text: string): number | 'default' {
  if (text === 'default') return text
  const seconds = parseDuration(text) / 1000
  if (!Number.isInteger(seconds) || seconds < 1) throw new InvalidArgumentError('use whole seconds, at least one')
  return seconds
}
