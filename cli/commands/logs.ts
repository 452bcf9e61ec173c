// `skerry logs`: what the containers of an app on a device have written.
import type { Command } from 'commander'
import type { LogLine } from '../api/apps.js'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, parseWhole } from '../options.js'
import { formatJson } from '../output.js'
import type { Shell } from '../shell.js'
import { formatLogLine } from '../views/logs.js'

interface Flags extends ClientFlags {
  readonly device: string
  readonly follow?: boolean
  readonly tail?: number
  readonly since?: string
  readonly timestamps?: boolean
  readonly output: 'table' | 'json'
}

export function addLogs(program: Command, shell: Shell): void {
  const command = program.command('logs').description('show what the containers of an app on a device have written')
  command
    .argument('<app>', 'its name')
    .argument('[services...]', 'only of these; without any, of all')
    .requiredOption('-d, --device <device>', 'the device (id or name)')
    .option('--follow', 'go on as more is written, until Ctrl-C')
    .option('--tail <lines>', 'lines from the end, of each container', parseWhole)
    .option('--since <when>', 'nothing older: 90s, 10m, 2h or 3d ago, or a date and time such as 2026-01-31T12:00:00Z')
    .option('--timestamps', 'with the time of each line')
  addClientOptions(command, { formats: ['table', 'json'] })
  command.action(async (app: string, services: string[], flags: Flags) => {
    const client = await connect(shell, flags)
    const { device, follow, tail, since, timestamps, output } = flags
    const query = { service: services, follow, tail, since, timestamps }
    const lines = client.lines<LogLine>(`${pathOf('devices', device)}${pathOf('apps', app)}/logs`, { query, signal: shell.signal })
    for await (const line of lines) shell.print(output === 'json' ? formatJson(line) : formatLogLine(line, shell.paint))
  })
  addExamples(command, [
    'skerry logs web -d press-7 --tail 100',
    'skerry logs web -d press-7 db --follow --timestamps',
    'skerry logs web -d press-7 --since 10m -o json | jq .line',
  ])
}
