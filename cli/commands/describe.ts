// `skerry describe`: everything about one device, group or app, for people.
import type { Command } from 'commander'
import type { Device } from '../api/devices.js'
import type { Group } from '../api/groups.js'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, addTarget, type TargetFlags } from '../options.js'
import { type Format, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { findApps } from '../targets.js'
import { describeApp } from '../views/apps.js'
import { describeDevice } from '../views/devices.js'
import { describeGroup } from '../views/groups.js'

type Flags = ClientFlags & { readonly output: Format }

export function addDescribe(program: Command, shell: Shell): void {
  const describe = program.command('describe').description('show everything about a device, group or app')
  addExamples(describe, ['skerry describe device press-7', 'skerry describe group line-1', 'skerry describe app web --group line-1'])

  const device = describe.command('device').description('show a device').argument('<device>', 'its id or name')
  addClientOptions(device).action(async (name: string, flags: Flags) => {
    const value = await (await connect(shell, flags)).request<Device>('GET', pathOf('devices', name))
    await printResult(shell, flags.output, { value, name: value.id, sentence: describeDevice(value, Date.now()) })
  })
  addExamples(device, ['skerry describe device press-7', 'skerry describe device press-7 -o json'])

  const group = describe.command('group').description('show a group').argument('<group>', 'its name')
  addClientOptions(group).action(async (name: string, flags: Flags) => {
    const value = await (await connect(shell, flags)).request<Group>('GET', pathOf('groups', name))
    await printResult(shell, flags.output, { value, name: value.name, sentence: describeGroup(value, Date.now()) })
  })
  addExamples(group, ['skerry describe group line-1'])

  const app = describe.command('app').description('show an app, wherever it is, with each device').argument('<app>', 'its name')
  addClientOptions(addTarget(app)).action(async (name: string, flags: Flags & TargetFlags) => {
    const found = await findApps(await connect(shell, flags), name, flags)
    for (const value of found) {
      await printResult(shell, flags.output, { value, name: value.name, sentence: describeApp(value, Date.now()) })
      if (found.length > 1 && flags.output === 'table') shell.print('')
    }
  })
  addExamples(app, ['skerry describe app web', 'skerry describe app web --device press-7 -o yaml'])
}
