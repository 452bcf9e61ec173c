// Which app on which device or group a command means.
import type { App } from './api/apps.js'
import type { List } from './api/list.js'
import { type Client, pathOf } from './client.js'
import { CommandFailure, usageError } from './errors.js'
import type { TargetFlags } from './options.js'

/** A device or a group as it is named in one word. */
export interface NamedTarget {
  /** `device/press-7` or `group/line-1`. */
  readonly text: string
  readonly name: string
  /** Of the API. */
  readonly path: string
}

/** Throws `usage.invalid` for anything but `device/NAME` and `group/NAME`. */
export function readTarget(text: string): NamedTarget {
  const [, kind, name] = /^(device|group)\/(.+)$/s.exec(text) ?? []
  if (kind === undefined || name === undefined) throw usageError(`say device/NAME or group/NAME, and not ${JSON.stringify(text)}`)
  return { text, name, path: pathOf(`${kind}s`, name) }
}

/** `/devices/D` or `/groups/G` from the flags; a usage error if not exactly one is given. */
export function targetPath(flags: TargetFlags): string {
  const path = optionalTargetPath(flags)
  if (path === undefined) throw usageError('say where: --device DEVICE or --group GROUP')
  return path
}

export function optionalTargetPath({ device, group }: TargetFlags): string | undefined {
  if (device !== undefined && group !== undefined) throw usageError('--device and --group exclude each other')
  if (device !== undefined) return pathOf('devices', device)
  return group === undefined ? undefined : pathOf('groups', group)
}

/** The apps of this name: on the target, or anywhere if none is given. Throws `app.unknown` if there is none. */
export async function findApps(client: Client, name: string, flags: TargetFlags): Promise<readonly App[]> {
  const path = optionalTargetPath(flags)
  if (path !== undefined) return [await client.request<App>('GET', `${path}${pathOf('apps', name)}`)]
  const { items } = await client.request<List<App>>('GET', '/apps')
  const found = items.filter(app => app.name === name)
  if (found.length === 0) throw new CommandFailure(3, { code: 'app.unknown', message: `there is no app ${JSON.stringify(name)}` })
  return found
}

/** The path of the one app of this name; a usage error that lists the targets if there are several. */
export async function findAppPath(client: Client, name: string, flags: TargetFlags): Promise<string> {
  const path = optionalTargetPath(flags)
  if (path !== undefined) return `${path}${pathOf('apps', name)}`
  const [first, ...others] = await findApps(client, name, {})
  if (first === undefined || others.length > 0) {
    const places = [first, ...others].map(app => `--${app?.target.kind} ${app?.target.name}`)
    throw usageError(`there are several apps called ${name}; say which: ${places.join(', ')}`)
  }
  return `${pathOf(`${first.target.kind}s`, first.target.name)}${pathOf('apps', name)}`
}
