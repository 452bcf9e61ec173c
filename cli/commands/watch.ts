// `skerry watch`: what happens, as it happens.
import type { Command } from 'commander'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, parseWhole } from '../options.js'
import { formatJson } from '../output.js'
import type { Shell } from '../shell.js'
import { formatEvent } from '../views/events.js'

interface Flags extends ClientFlags {
  readonly output: 'table' | 'json'
  readonly device?: string
  readonly group?: string
  readonly app?: string
  readonly type?: string
  readonly after?: number
}

export function addWatch(program: Command, shell: Shell): void {
  const command = program.command('watch').description('show events as they happen, until Ctrl-C')
  command
    .option('-d, --device <device>', 'about this device')
    .option('-g, --group <group>', 'about this group')
    .option('--app <app>', 'about this app')
    .option('--type <type>', 'of this type')
    .option('--after <id>', 'begin with what came after this event', parseWhole)
  addClientOptions(command, { formats: ['table', 'json'] })
  command.action(async (flags: Flags) => {
    const client = await connect(shell, flags)
    const { device, group, app, type, after } = flags
    const onConnect = (): void => shell.say(`watching ${client.url}`)
    for await (const event of client.events({ query: { device, group, app, type, after }, signal: shell.signal, onConnect })) {
      shell.print(flags.output === 'json' ? formatJson(event) : formatEvent(event, shell.paint))
    }
  })
  addExamples(command, ['skerry watch', 'skerry watch --device press-7', 'skerry watch -o json | jq .message'])
}
