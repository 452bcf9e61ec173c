// Which device is meant: by its id, or by a name that only one device has.
import { accept, type Refusal, type Result, refuse } from '../../protocol/errors.js'
import { type Device, nameOf } from './model.js'

type Devices = ReadonlyMap<string, Device>
type Named = (name: string) => readonly Device[]

/** Refuses with `device.unknown`, or with `request.invalid` naming the ids when several devices have that name. */
export function resolveDevice(devices: Devices, reference: string): Result<Device> {
  return resolve(devices, reference, name => [...devices.values()].filter(device => nameOf(device) === name))
}

/** All of them, or every reason why not: nothing is done for some when others are unknown. */
export function resolveDevices(devices: Devices, references: readonly string[]): Result<Device[]> {
  const named = nameIndex(devices)
  const results = references.map((reference, n) => resolve(devices, reference, named, `devices[${n}]`))
  const [first, ...others] = results.flatMap((result): readonly Refusal[] => (result.ok ? [] : result.refusals))
  if (first !== undefined) return { ok: false, refusals: [first, ...others] }
  return accept([...new Set(results.flatMap(result => (result.ok ? [result.value] : [])))])
}

function resolve(devices: Devices, reference: string, named: Named, path?: string): Result<Device> {
  const exact = devices.get(reference)
  if (exact !== undefined) return accept(exact)
  const found = named(reference)
  const [only, ...others] = found
  if (only === undefined) return refuse('device.unknown', `there is no device ${JSON.stringify(reference.slice(0, 128))}`, path)
  if (others.length === 0) return accept(only)
  const ids = found.slice(0, 10).map(device => device.id)
  return refuse('request.invalid', `${found.length} devices are named ${JSON.stringify(reference)}: use an id (${ids.join(', ')})`, path)
}

function nameIndex(devices: Devices): Named {
  const index = new Map<string, Device[]>()
  for (const device of devices.values()) {
    const name = nameOf(device)
    const known = index.get(name)
    if (known === undefined) index.set(name, [device])
    else known.push(device)
  }
  return name => index.get(name) ?? []
}
