// `skerry device`: decides about devices that wait to be let in.
import type { Command } from 'commander'
import { SkerryError } from '../../protocol/errors.js'
import type { Device } from '../api/devices.js'
import type { Pending } from '../api/joining.js'
import type { List } from '../api/list.js'
import { type Client, pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { usageError } from '../errors.js'
import { parseNewLabels } from '../labels.js'
import { addClientOptions, addExamples, collect } from '../options.js'
import { type Format, printResult } from '../output.js'
import type { Shell } from '../shell.js'

type Flags = ClientFlags & { readonly output: Format }

const whichHelp = 'the fingerprint of its key, or the beginning of it, or its id; see `skerry get pending`'

export function addDevice(program: Command, shell: Shell): void {
  const device = program.command('device').description('let devices in that wait, or turn them away')
  addExamples(device, ['skerry get pending', 'skerry device approve 3kTm9Q --group line-1', 'skerry device reject 3kTm9Q'])

  const approve = device.command('approve').description('let a device in that waits').argument('<key>', whichHelp)
  approve
    .option('-g, --group <group>', 'a group that it is put into; may be repeated', collect)
    .option('-l, --label <key=value>', 'a label that it gets; may be repeated', collect)
  type Approval = { readonly group?: readonly string[]; readonly label?: readonly string[] }
  addClientOptions(approve).action(async (which: string, flags: Flags & Approval) => {
    const client = await connect(shell, flags)
    const { key, device: id } = await findPending(client, which)
    const body = { device: id, groups: flags.group ?? [], labels: parseNewLabels(flags.label ?? []) }
    const value = await client.request<Device>('POST', `${pathOf('pending', key)}/approve`, { body })
    await printResult(shell, flags.output, { value, name: value.id, sentence: `device ${value.id} (${value.name}) has joined` })
  })
  addExamples(approve, ['skerry device approve 3kTm9Q', 'skerry device approve press-7 --group line-1 --label hall=3'])

  const reject = device.command('reject').description('turn a device away that waits').argument('<key>', whichHelp)
  addClientOptions(reject).action(async (which: string, flags: Flags) => {
    const client = await connect(shell, flags)
    const { key } = await findPending(client, which)
    const value = await client.request<Pending>('POST', `${pathOf('pending', key)}/reject`)
    await printResult(shell, flags.output, { value, name: value.key, sentence: `device ${value.device} rejected` })
  })
  addExamples(reject, ['skerry device reject 3kTm9Q'])
}

/** Throws `device.unknown`, or `usage.invalid` if several fit. */
async function findPending(client: Client, which: string): Promise<Pending> {
  const { items } = await client.request<List<Pending>>('GET', '/pending')
  const found = matchPending(items, which)
  const [only, ...others] = found
  if (only === undefined) throw new SkerryError('device.unknown', `no device with the key or id ${JSON.stringify(which)} is waiting`)
  if (others.length === 0) return only
  throw usageError(
    `${found.length} that wait fit ${JSON.stringify(which)}: use more of the key (${found.map(({ key }) => key).join(', ')})`,
  )
}

/** Those with that key or id, or else those whose key begins so. */
export function matchPending(items: readonly Pending[], which: string): readonly Pending[] {
  const exact = items.filter(({ key, device }) => key === which || device === which)
  return exact.length > 0 ? exact : items.filter(({ key }) => key.startsWith(which))
}
