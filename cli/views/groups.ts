// Groups as people read them.
import type { Group } from '../api/groups.js'
import { ageOf, type Column, clean, formatFields } from '../table.js'
import { formatPermit } from './permits.js'

export function groupColumns(now: number): readonly Column<Group>[] {
  return [
    { title: 'NAME', cell: group => group.name },
    { title: 'READY', cell: group => `${group.devices.filter(device => device.state === 'Ready').length}/${group.devices.length}` },
    { title: 'APPS', cell: group => group.apps.join(',') },
    { title: 'PERMIT', cell: ({ permit }) => (permit === null ? '' : permit.value ? 'allows' : 'holds') },
    { title: 'AGE', cell: group => ageOf(group.createdAt, now) },
    { title: 'DEVICES', cell: group => group.devices.map(device => device.name).join(','), wide: true },
  ]
}

export function describeGroup(group: Group, now: number): string {
  const head = formatFields({
    Name: group.name,
    Age: ageOf(group.createdAt, now),
    Apps: group.apps.join(', ') || 'none',
    Permit: formatPermit(group.permit, now),
  })
  const devices = group.devices.map(device => `  ${clean(device.name)} (${device.id}): ${device.state}`)
  return `${head}\n\nDevices:\n${devices.length === 0 ? '  none' : devices.join('\n')}`
}
