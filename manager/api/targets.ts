// Devices and groups as paths name them: the same routes lie below both.
import { Type } from 'typebox'
import type { Target } from '../core/model.js'
import { findDevice } from '../devices.js'
import type { Fleet } from '../fleet.js'
import { findGroup } from '../groups.js'

export const targetKinds = { devices: 'device', groups: 'group' } as const
export type TargetPath = keyof typeof targetKinds

export const onTarget = { target: Type.String({ description: 'A device by id or unique name, or a group by name.' }) }
export const appParams = Type.Object({ ...onTarget, app: Type.String() })

/** Throws `device.unknown` or `group.unknown`. */
export function findTarget(fleet: Fleet, kind: Target['kind'], name: string): Target {
  return { kind, name: kind === 'device' ? findDevice(fleet, name).id : findGroup(fleet, name).name }
}
