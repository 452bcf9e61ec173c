// `skerry restart`: the containers of an app, or of some of its services, at once.
import type { Command } from 'commander'
import type { Restarted } from '../api/apps.js'
import { type ClientFlags, connect } from '../connect.js'
import { CommandFailure, formatRefusal } from '../errors.js'
import { addClientOptions, addExamples, addTarget, type TargetFlags } from '../options.js'
import { type Format, printData } from '../output.js'
import type { Shell } from '../shell.js'
import { findAppPath } from '../targets.js'

type Flags = ClientFlags & TargetFlags & { readonly output: Format }

/** Longer than the server waits for a device. */
const limitMs = 5 * 60_000

export function addRestart(program: Command, shell: Shell): void {
  const command = program.command('restart').description('restart the containers of an app; ends once they run again')
  command.argument('<app>', 'its name').argument('[services...]', 'only of these; without any, of all')
  addClientOptions(addTarget(command)).action(async (name: string, services: string[], flags: Flags) => {
    const client = await connect(shell, flags)
    const body = services.length === 0 ? {} : { services }
    const path = `${await findAppPath(client, name, flags)}/restart`
    const answer = await client.request<Restarted>('POST', path, { body, limitMs, signal: shell.signal })
    await print(shell, flags.output, answer)
    refuseFailed(name, answer)
  })
  addExamples(command, ['skerry restart web -d press-7', 'skerry restart web --group line-1 db'])
}

async function print(shell: Shell, format: Format, answer: Restarted): Promise<void> {
  if (format === 'json' || format === 'yaml') return printData(shell, format, answer)
  for (const { device, name, fault } of answer.items) {
    if (format === 'name') shell.print(device)
    else shell.print(`${name}: ${fault === null ? 'restarted' : formatRefusal(fault)}`)
  }
}

function refuseFailed(app: string, { items }: Restarted): void {
  const [first, ...others] = items.filter(({ restarted }) => !restarted)
  if (first?.fault == null) return
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  throw new CommandFailure(1, { ...first.fault, message: `app ${app} was not restarted on ${first.name}${more}: ${first.fault.message}` })
}
