// Apps as people read them.
import type { App, AppDevice, Version } from '../api/apps.js'
import { formatRefusal } from '../errors.js'
import { ageOf, type Colour, type Column, clean, formatFields } from '../table.js'
import { formatFailed, formatRevision, formatService } from './devices.js'
import { formatHeld } from './permits.js'

function appColour(state: string): Colour | undefined {
  if (state === 'running' || state === 'stopped') return state === 'running' ? 'green' : undefined
  return state === 'failed' || state === 'rolled-back' ? 'red' : 'yellow'
}

export function appColumns(now: number): readonly Column<App>[] {
  return [
    { title: 'NAME', cell: app => app.name },
    { title: 'ON', cell: app => `${app.target.kind} ${targetName(app)}` },
    { title: 'STATE', cell: app => app.state, colour: app => appColour(app.state) },
    { title: 'RUNNING', cell: app => `${app.counts.running}/${app.counts.total}` },
    { title: 'REVISION', cell: app => String(app.revision) },
    { title: 'VERSION', cell: app => app.version ?? '' },
    { title: 'UPDATED', cell: app => ageOf(app.updatedAt, now) },
    { title: 'DESIRED', cell: app => app.run, wide: true },
    { title: 'SERVICES', cell: app => app.services.join(','), wide: true },
    { title: 'DIGEST', cell: app => app.digest.slice(0, 12), wide: true },
  ]
}

/** A device is shown by its name, which says more than its id. */
function targetName(app: App): string {
  if (app.target.kind === 'group') return app.target.name
  return app.devices.find(device => device.device === app.target.name)?.name ?? app.target.name
}

export function describeApp(app: App, now: number): string {
  const head = formatFields({
    Name: app.name,
    On: `${app.target.kind} ${targetName(app)}`,
    State: `${app.state}, ${app.counts.running} of ${app.counts.total} run it`,
    Desired: app.run,
    Revision: `${nameRevision(app)}, ${ageOf(app.updatedAt, now)} old`,
    Digest: app.digest,
    Policy: describePolicy(app.policy),
  })
  return [head, ...app.devices.map(device => describeOnDevice(device, now))].join('\n\n')
}

/** Such as `4` or `4 (1.4.0)`. */
export function nameRevision({ revision, version }: Pick<App, 'revision' | 'version'>): string {
  return version === null ? String(revision) : `${revision} (${version})`
}

export function versionColumns(now: number): readonly Column<Version>[] {
  return [
    { title: 'VERSION', cell: each => each.version },
    { title: 'REVISION', cell: each => String(each.revision) },
    { title: 'AGE', cell: each => ageOf(each.createdAt, now) },
    { title: 'BY', cell: each => each.origin.user ?? each.origin.via },
    { title: 'DIGEST', cell: each => each.digest.slice(0, 12), wide: true },
  ]
}

/** Empty while all is as by default. */
function describePolicy({ restart, settleS, rollBack }: App['policy']): string {
  const parts = [
    restart === 'no' ? '' : `restart ${restart}`,
    settleS === null ? '' : `settle ${settleS} s`,
    rollBack ? '' : 'no roll-back',
  ]
  return parts.filter(part => part !== '').join(', ')
}

function describeOnDevice(device: AppDevice, now: number): string {
  const reason = device.reason === null ? '' : `, ${device.reason}`
  const revision = formatRevision(device)
  const lines = [
    `${clean(device.name)} (${device.device}, ${device.deviceState}${reason}): ${device.state}, revision ${revision}${formatFailed(device.failedRevision)}`,
  ]
  if (device.held !== null) lines.push(`  held ${formatHeld(device.held, now)}`)
  if (device.fault !== null) lines.push(`  fault: ${formatRefusal(device.fault)}`)
  return [...lines, ...device.services.map(formatService)].join('\n')
}
