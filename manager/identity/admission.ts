// A device becomes one of the fleet: its key, its groups and its labels, in one transaction.
import type { Facts } from '../../protocol/messages/status.js'
import { newEvent } from '../core/events.js'
import type { Device } from '../core/model.js'
import type { Fleet } from '../fleet.js'
import { addMembers } from '../groups.js'
import { insertDevice, updateDevice } from '../store/devices.js'
import { readGroup } from '../store/groups.js'
import { bumpTarget } from '../store/outbox.js'
import { deletePending } from '../store/pending.js'
import { deleteTombstone } from '../store/tombstones.js'

export interface Admission {
  readonly device: string
  readonly key: string
  readonly facts: Facts
  readonly groups: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly via: 'token' | 'approval'
  /** Runs in the transaction; if it throws, nothing has happened. */
  readonly spend?: () => void
  /** What the event tells besides. */
  readonly about?: Readonly<Record<string, unknown>>
}

/** Groups that are no more are passed over. A device that is known without a key keeps what it has. */
export function admit(fleet: Fleet, admission: Admission): Device {
  const { db, clock, journal, inventory, keys } = fleet
  const { device: id, key, facts, via, spend, about } = admission
  const known = inventory.devices.get(id)
  const device = known ?? inventory.make(id, facts)
  const labels = { ...device.labels, ...admission.labels }
  const row = { device: id, key, joinedAt: clock.now(), via, endsAt: null }
  const groups = admission.groups.filter(name => readGroup(db, name) !== undefined)
  journal.change(note => {
    spend?.()
    deletePending(db, key)
    if (known === undefined) insertDevice(db, { ...device, labels })
    else updateDevice(db, { ...device, labels })
    keys.save(row)
    if (known === undefined) note(newEvent('device.registered', `${id} is new`, { device: id }))
    note(
      newEvent('device.joined', `${id} has joined by ${via === 'token' ? 'a token' : 'approval'}`, {
        device: id,
        data: { key, via, groups, labels, ...about },
      }),
    )
    for (const name of groups) addMembers(fleet, name, [device], note)
    const returned = deleteTombstone(db, id)
    if (returned || Object.keys(admission.labels).length > 0) bumpTarget(db, { kind: 'device', name: id })
  })
  device.labels = labels
  inventory.add(device)
  keys.held(row)
  fleet.reception.unbury(id)
  fleet.publisher.wake()
  return device
}
