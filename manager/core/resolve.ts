// Which device is meant: by its id, or by a name that only one device has.
import { accept, type Refusal, type Result, refuse } from '../../protocol/errors.js'
import { type Device, nameOf } from './model.js'

/** Refuses with `device.unknown`, or with `request.invalid` naming the ids when several devices have that name. */
export function resolveDevice(devices: ReadonlyMap<string, Device>, reference: string, path?: string): Result<Device> {
  const exact = devices.get(reference)
  if (exact !== undefined) return accept(exact)
  const named = [...devices.values()].filter(device => nameOf(device) === reference)
  const [only, ...others] = named
  if (only === undefined) return refuse('device.unknown', `there is no device ${JSON.stringify(reference.slice(0, 128))}`, path)
  if (others.length === 0) return accept(only)
  const ids = named.slice(0, 10).map(device => device.id)
  return refuse('request.invalid', `${named.length} devices are named ${JSON.stringify(reference)}: use an id (${ids.join(', ')})`, path)
}

/** All of them, or every reason why not: nothing is done for some when others are unknown. */
export function resolveDevices(devices: ReadonlyMap<string, Device>, references: readonly string[]): Result<Device[]> {
  const results = references.map((reference, n) => resolveDevice(devices, reference, `devices[${n}]`))
  const [first, ...others] = results.flatMap((result): readonly Refusal[] => (result.ok ? [] : result.refusals))
  if (first !== undefined) return { ok: false, refusals: [first, ...others] }
  return accept([...new Set(results.flatMap(result => (result.ok ? [result.value] : [])))])
}
