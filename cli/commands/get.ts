// `skerry get`: lists, whole or by name.
import type { Command } from 'commander'
import type { App, Version } from '../api/apps.js'
import type { Device } from '../api/devices.js'
import type { FleetEvent } from '../api/fleet.js'
import type { Group } from '../api/groups.js'
import type { Pending } from '../api/joining.js'
import type { List } from '../api/list.js'
import { type Client, pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, addTarget, collect, parseWhole, type TargetFlags } from '../options.js'
import { type Format, printList } from '../output.js'
import type { Shell } from '../shell.js'
import { findAppPath, findApps, optionalTargetPath } from '../targets.js'
import { appColumns, versionColumns } from '../views/apps.js'
import { deviceColumns } from '../views/devices.js'
import { eventColumns } from '../views/events.js'
import { groupColumns } from '../views/groups.js'
import { pendingColumns } from '../views/joining.js'

type Flags = ClientFlags & TargetFlags & { readonly output: Format }

export function addGet(program: Command, shell: Shell): void {
  const get = program.command('get').description('list devices, groups, apps, their versions, events, or who waits to join')
  addExamples(get, [
    'skerry get devices',
    'skerry get devices --group line-1 --state NotReady -o wide',
    'skerry get apps -o json',
    'skerry get events --app web --limit 20',
  ])
  addDevices(get, shell)
  addGroups(get, shell)
  addApps(get, shell)
  addVersions(get, shell)
  addEvents(get, shell)
  addPending(get, shell)
}

/** The named ones, or all of them. */
async function fetchItems<T>(client: Client, kind: string, names: readonly string[], query = {}): Promise<readonly T[]> {
  if (names.length === 0) return (await client.request<List<T>>('GET', `/${kind}`, { query })).items
  return Promise.all(names.map(name => client.request<T>('GET', pathOf(kind, name))))
}

function addDevices(get: Command, shell: Shell): void {
  const command = get
    .command('devices')
    .alias('device')
    .description('list devices')
    .argument('[devices...]', 'ids or names; without any, all')
  command
    .option('-g, --group <group>', 'in this group')
    .option('--state <state>', 'Ready, NotReady or Unknown')
    .option('-l, --label <key=value>', 'with this label; may be repeated', collect)
  addClientOptions(command).action(async (names: string[], flags: Flags & { state?: string; label?: string[] }) => {
    const client = await connect(shell, flags)
    const query = { group: flags.group, state: flags.state, label: flags.label }
    const items = await fetchItems<Device>(client, 'devices', names, query)
    await printList(shell, flags.output, { items, columns: deviceColumns(Date.now()), nameOf: device => device.id, empty: 'no devices' })
  })
  addExamples(command, ['skerry get devices -l hall=3', 'skerry get devices press-7 -o yaml', 'skerry get devices -o name    # ids'])
}

function addGroups(get: Command, shell: Shell): void {
  const command = get.command('groups').alias('group').description('list groups').argument('[groups...]', 'names; without any, all')
  addClientOptions(command).action(async (names: string[], flags: Flags) => {
    const client = await connect(shell, flags)
    const items = await fetchItems<Group>(client, 'groups', names)
    await printList(shell, flags.output, { items, columns: groupColumns(Date.now()), nameOf: group => group.name, empty: 'no groups' })
  })
  addExamples(command, ['skerry get groups', 'skerry get groups line-1 -o wide'])
}

function addApps(get: Command, shell: Shell): void {
  const command = get.command('apps').alias('app').description('list apps').argument('[apps...]', 'names; without any, all')
  addClientOptions(addTarget(command)).action(async (names: string[], flags: Flags) => {
    const client = await connect(shell, flags)
    const items =
      names.length === 0
        ? (await client.request<List<App>>('GET', `${optionalTargetPath(flags) ?? ''}/apps`)).items
        : (await Promise.all(names.map(name => findApps(client, name, flags)))).flat()
    await printList(shell, flags.output, { items, columns: appColumns(Date.now()), nameOf: app => app.name, empty: 'no apps' })
  })
  addExamples(command, ['skerry get apps', 'skerry get apps --group line-1', 'skerry get apps web -o json'])
}

function addVersions(get: Command, shell: Shell): void {
  const command = get.command('versions').alias('version').description('list the versions of an app').argument('<app>', 'its name')
  addClientOptions(addTarget(command)).action(async (name: string, flags: Flags) => {
    const client = await connect(shell, flags)
    const { items } = await client.request<List<Version>>('GET', `${await findAppPath(client, name, flags)}/versions`)
    const columns = versionColumns(Date.now())
    await printList(shell, flags.output, { items, columns, nameOf: each => each.version, empty: 'no versions' })
  })
  addExamples(command, ['skerry get versions web', 'skerry get versions web --group line-1 -o json'])
}

function addEvents(get: Command, shell: Shell): void {
  const command = get.command('events').alias('event').description('list what happened, oldest first')
  command
    .option('--after <id>', 'newer than this event', parseWhole)
    .option('--limit <n>', 'at most so many', parseWhole)
    .option('-d, --device <device>', 'about this device')
    .option('-g, --group <group>', 'about this group')
    .option('--app <app>', 'about this app')
    .option('--type <type>', 'of this type, such as device.not-ready')
  type EventFlags = Flags & { after?: number; limit?: number; app?: string; type?: string }
  addClientOptions(command).action(async (flags: EventFlags) => {
    const client = await connect(shell, flags)
    const { after, limit, device, group, app, type } = flags
    const { items } = await client.request<List<FleetEvent>>('GET', '/events', { query: { after, limit, device, group, app, type } })
    await printList(shell, flags.output, { items, columns: eventColumns, nameOf: event => String(event.id), empty: 'no events' })
  })
  addExamples(command, ['skerry get events --type device.not-ready', 'skerry get events --device press-7 --limit 50 -o json'])
}

function addPending(get: Command, shell: Shell): void {
  const command = get.command('pending').description('list devices that wait to be let in, and those that were turned away')
  addClientOptions(command).action(async (flags: Flags) => {
    const { items } = await (await connect(shell, flags)).request<List<Pending>>('GET', '/pending')
    await printList(shell, flags.output, { items, columns: pendingColumns(Date.now()), nameOf: item => item.key, empty: 'nobody waits' })
  })
  addExamples(command, ['skerry get pending', 'skerry get pending -o wide    # with whole keys'])
}
