// `skerry group`: making groups and moving devices in and out.
import type { Command } from 'commander'
import type { Group } from '../api/groups.js'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples } from '../options.js'
import { type Format, printResult } from '../output.js'
import type { Shell } from '../shell.js'

type Flags = ClientFlags & { readonly output: Format }

export function addGroup(program: Command, shell: Shell): void {
  const group = program.command('group').description('create and delete groups, and say which devices are in them')
  addExamples(group, ['skerry group create line-1 press-7 press-8', 'skerry group leave line-1 press-7'])

  const create = group.command('create').description('create a group').argument('<group>').argument('[devices...]', 'its first devices')
  addClientOptions(create).action(async (name: string, devices: string[], flags: Flags) => {
    const client = await connect(shell, flags)
    const value = await client.request<Group>('POST', '/groups', { body: { name, devices } })
    await printResult(shell, flags.output, { value, name, sentence: `group ${name} created` })
  })
  addExamples(create, ['skerry group create line-1', 'skerry group create line-1 press-7 press-8'])

  const remove = group.command('delete').description('delete a group').argument('<group>')
  remove.option('--force', 'even if it has apps: its devices lose them')
  addClientOptions(remove).action(async (name: string, flags: Flags & { force?: boolean }) => {
    const client = await connect(shell, flags)
    const value = await client.request('DELETE', pathOf('groups', name), { query: { force: flags.force } })
    await printResult(shell, flags.output, { value: value ?? { name }, name, sentence: `group ${name} deleted` })
  })
  addExamples(remove, ['skerry group delete line-1'])

  addMove(group, shell, 'join', 'put devices into a group: they get its apps')
  addMove(group, shell, 'leave', 'take devices out of a group: they lose its apps')
}

function addMove(parent: Command, shell: Shell, verb: 'join' | 'leave', about: string): void {
  const command = parent.command(verb).description(about).argument('<group>').argument('<devices...>', 'ids or names')
  addClientOptions(command).action(async (name: string, devices: string[], flags: Flags) => {
    const client = await connect(shell, flags)
    const value = await client.request<Group>('POST', `${pathOf('groups', name)}/${verb}`, { body: { devices } })
    const done = verb === 'join' ? 'in' : 'out of'
    await printResult(shell, flags.output, { value, name, sentence: `${devices.join(', ')} ${done} group ${name}` })
  })
  addExamples(command, [`skerry group ${verb} line-1 press-7`, `skerry get devices -l hall=3 -o name | xargs skerry group ${verb} line-1`])
}
