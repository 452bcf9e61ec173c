// `skerry delete`: apps, their versions, groups and devices.
import { type Command, Option } from 'commander'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, addTarget, type TargetFlags } from '../options.js'
import { type Format, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { findAppPath } from '../targets.js'

type Flags = ClientFlags & { readonly output: Format }

export function addDelete(program: Command, shell: Shell): void {
  const remove = program.command('delete').description('delete an app, a version, a group or a device')
  addExamples(remove, ['skerry delete app web --group line-1', 'skerry delete group line-1', 'skerry delete device press-7 --apps remove'])

  const app = remove.command('app').description('delete an app: its containers and networks').argument('<app>', 'its name')
  app
    .option('--volumes', 'and its volumes that nothing else uses; without this they stay')
    .option('--images', 'and its images that nothing else uses')
  addClientOptions(addTarget(app)).action(async (name: string, flags: Flags & TargetFlags & { volumes?: boolean; images?: boolean }) => {
    const client = await connect(shell, flags)
    const query = { volumes: flags.volumes, images: flags.images }
    const value = await client.request('DELETE', await findAppPath(client, name, flags), { query })
    await printResult(shell, flags.output, { value: value ?? { name }, name, sentence: `app ${name} deleted` })
  })
  addExamples(app, ['skerry delete app web', 'skerry delete app web --device press-7 --volumes --images'])

  const version = remove.command('version').description('take a name from a revision, which stays').argument('<app>', 'its name')
  version.argument('<version>', 'the version’s name')
  addClientOptions(addTarget(version)).action(async (name: string, wanted: string, flags: Flags & TargetFlags) => {
    const client = await connect(shell, flags)
    const value = await client.request('DELETE', `${await findAppPath(client, name, flags)}${pathOf('versions', wanted)}`)
    await printResult(shell, flags.output, { value: value ?? { version: wanted }, name: wanted, sentence: `version ${wanted} deleted` })
  })
  addExamples(version, ['skerry delete version web 1.4.0 --group line-1'])

  const group = remove.command('group').description('delete a group').argument('<group>', 'its name')
  group.option('--force', 'even if it has apps: its devices lose them')
  addClientOptions(group).action(async (name: string, flags: Flags & { force?: boolean }) => {
    const client = await connect(shell, flags)
    const value = await client.request('DELETE', pathOf('groups', name), { query: { force: flags.force } })
    await printResult(shell, flags.output, { value: value ?? { name }, name, sentence: `group ${name} deleted` })
  })
  addExamples(group, ['skerry delete group line-1', 'skerry delete group line-1 --force'])

  const device = remove.command('device').description('release a device from the fleet').argument('<device>', 'its id or name')
  device.addOption(new Option('--apps <mode>', 'what becomes of its apps').choices(['keep', 'remove']).default('keep'))
  addClientOptions(device).action(async (name: string, flags: Flags & { apps: string }) => {
    const client = await connect(shell, flags)
    const value = await client.request<{ id: string }>('DELETE', pathOf('devices', name), { query: { apps: flags.apps } })
    const apps = flags.apps === 'keep' ? 'keeps its apps' : 'removes its apps'
    await printResult(shell, flags.output, { value, name: value?.id ?? name, sentence: `device ${name} released: it ${apps}` })
  })
  addExamples(device, ['skerry delete device press-7', 'skerry delete device press-7 --apps remove'])
}
