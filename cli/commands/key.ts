// `skerry key`: the keys that sign what devices are to run.
import type { Command } from 'commander'
import type { SigningKey } from '../api/fleet.js'
import type { List } from '../api/list.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples } from '../options.js'
import { type Format, printList, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { ageOf, type Column } from '../table.js'

type Flags = ClientFlags & { readonly output: Format }

export function addKey(program: Command, shell: Shell): void {
  const key = program.command('key').description('show and change the key that signs what devices are to run')
  addExamples(key, ['skerry key list', 'skerry key rotate'])

  const list = key.command('list').description('list the signing keys, and how many devices go by each')
  addClientOptions(list).action(async (flags: Flags) => {
    const client = await connect(shell, flags)
    const { items } = await client.request<List<SigningKey>>('GET', '/keys')
    await printList(shell, flags.output, { items, columns: columns(Date.now()), nameOf: ({ id }) => id, empty: 'no keys' })
  })
  addExamples(list, ['skerry key list', 'skerry key list -o json'])

  const rotate = key
    .command('rotate')
    .description('make a new signing key: devices come to it by themselves, and then accept none before it')
  addClientOptions(rotate).action(async (flags: Flags) => {
    const client = await connect(shell, flags)
    const value = await client.request<SigningKey>('POST', '/keys')
    const sentence = `key ${value.number} (${value.id}) signs from now on: back up the server's data folder`
    await printResult(shell, flags.output, { value, name: value.id, sentence })
  })
  addExamples(rotate, ['skerry key rotate'])
}

function columns(now: number): readonly Column<SigningKey>[] {
  return [
    { title: 'NUMBER', cell: ({ number }) => String(number) },
    { title: 'ID', cell: ({ id }) => id },
    { title: 'STATE', cell: ({ current }) => (current ? 'signs' : 'retired') },
    { title: 'DEVICES', cell: ({ devices }) => String(devices) },
    { title: 'AGE', cell: ({ createdAt }) => ageOf(createdAt, now) },
  ]
}
