// Devices as people read them.
import type { Device } from '../api/devices.js'
import type { DeviceState, Service } from '../api/standing.js'
import { formatRefusal } from '../errors.js'
import { ageOf, type Colour, type Column, clean, formatAge, formatBytes, formatFields } from '../table.js'
import { formatHeld, formatPermit } from './permits.js'
import { usedOf } from './usage.js'

function deviceColour(state: DeviceState): Colour {
  return state === 'Ready' ? 'green' : state === 'NotReady' ? 'red' : 'yellow'
}

export function deviceColumns(now: number): readonly Column<Device>[] {
  return [
    { title: 'NAME', cell: device => device.name },
    { title: 'ID', cell: device => device.id },
    { title: 'STATE', cell: device => device.state, colour: device => deviceColour(device.state) },
    { title: 'REASON', cell: device => device.reason ?? (device.held === null ? '' : 'held') },
    { title: 'SINCE', cell: device => ageOf(device.since, now) },
    { title: 'GROUPS', cell: device => device.groups.join(',') },
    { title: 'APPS', cell: appsOf },
    { title: 'LAST SEEN', cell: device => ageOf(device.lastSeen, now), wide: true },
    { title: 'ADDRESS', cell: device => device.facts?.addresses[0] ?? '', wide: true },
    { title: 'OS', cell: device => device.facts?.os ?? '', wide: true },
    { title: 'ARCH', cell: device => device.facts?.architecture ?? '', wide: true },
    { title: 'ENGINE', cell: device => device.facts?.engineVersion ?? '', wide: true },
    { title: 'AGENT', cell: device => device.facts?.agentVersion ?? '', wide: true },
    { title: 'LINK', cell: device => device.link.profile, wide: true },
    { title: 'EXPECTED BY', cell: device => device.expectedBy ?? '', wide: true },
    { title: 'USED', cell: device => usedOf(device.usage), wide: true },
    { title: 'LABELS', cell: device => formatLabels(device.labels), wide: true },
  ]
}

/** `2/3`: apps that run, of those desired. */
function appsOf(device: Device): string {
  return `${device.apps.filter(app => app.state === 'running').length}/${device.apps.length}`
}

export function formatLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => (value === '' ? key : `${key}=${value}`))
    .join(',')
}

export function describeDevice(device: Device, now: number): string {
  const { facts, metrics } = device
  const sections = [
    formatFields({
      Name: device.name,
      Id: device.id,
      Description: device.description ?? undefined,
      State: `${device.state}${device.reason === null ? '' : ` (${device.reason})`} for ${ageOf(device.since, now)}`,
      'Last seen': device.lastSeen === null ? 'never' : `${ageOf(device.lastSeen, now)} ago`,
      'Expected by': device.expectedBy ?? undefined,
      Heartbeat: heartbeatOf(device),
      Link: linkOf(device),
      Held: device.held === null ? undefined : formatHeld(device.held, now),
      Permit: formatPermit(device.permit, now),
      Groups: device.groups.join(', ') || 'none',
      Labels: formatLabels(device.labels) || 'none',
      Revision: `${device.revision.held ?? 'none'} held, ${device.revision.desired ?? 'none'} desired`,
      Key: device.identity === null ? 'none: it never joined' : `${device.identity.key}, by ${device.identity.via}`,
      Certificate: device.identity?.certificateUntil ? `until ${device.identity.certificateUntil}` : undefined,
    }),
  ]
  if (facts !== null) {
    sections.push(
      formatFields({
        Addresses: facts.addresses.join(', '),
        System: `${facts.os}, ${facts.architecture}`,
        Processor: `${facts.processor}, ${facts.cores} cores`,
        Memory: `${facts.memoryMiB} MiB`,
        Engine: facts.engineVersion || 'does not answer',
        Agent: facts.agentVersion,
      }),
    )
  }
  if (metrics !== null) {
    sections.push(
      formatFields({
        Up: formatAge(metrics.uptimeS * 1000),
        'Processor use': `${metrics.cpuPercent} %, load ${metrics.load}`,
        'Memory used': `${metrics.memoryUsedMiB} MiB`,
        'Disk used': `${metrics.diskUsedPercent} %`,
        Temperature: metrics.temperatureC === null ? undefined : `${metrics.temperatureC} °C`,
      }),
    )
  }
  for (const app of device.apps) sections.push(describeAppOnDevice(app, now))
  if (device.faults.length > 0) sections.push(`Faults:\n${device.faults.map(fault => `  ${formatRefusal(fault)}`).join('\n')}`)
  return sections.join('\n\n')
}

/** As the device says itself, and what it is to be where that differs. */
function heartbeatOf({ intervalS, leaseS, link }: Device): string | undefined {
  if (intervalS === null) return undefined
  const wanted = link.intervalS === intervalS ? '' : `; desired: every ${link.intervalS} s`
  return `every ${intervalS} s, lease ${leaseS} s${wanted}`
}

function linkOf({ link }: Device): string {
  const from = link.of === null ? '' : `, by ${link.of.kind} ${link.of.name}`
  const quiet = link.quiet.length === 0 ? '' : `, quiet ${link.quiet.join(', ')} UTC`
  const budget = link.budgetBytes === null ? '' : `, ${formatBytes(link.budgetBytes)} a month`
  return `${link.profile}${from}${quiet}${budget}`
}

function describeAppOnDevice(app: Device['apps'][number], now: number): string {
  const from = app.group === null ? 'its own' : `of group ${app.group}`
  const lines = [`App ${app.app} (${from}): ${app.state}, revision ${formatRevision(app)}${formatFailed(app.failedRevision)}`]
  if (app.held !== null) lines.push(`  held ${formatHeld(app.held, now)}`)
  if (app.fault !== null) lines.push(`  fault: ${formatRefusal(app.fault)}`)
  return [...lines, ...app.services.map(formatService)].join('\n')
}

/** `4`, or `3, 4 desired` while another one is desired; with the desired one's name behind it, if it has one. */
export function formatRevision({ revision, desiredRevision, desiredVersion }: RevisionOnDevice): string {
  // An agent reports 0 while it has not got any revision to run.
  const running = revision || 'none'
  if (desiredRevision === null) return String(running)
  const desired = desiredVersion === null ? String(desiredRevision) : `${desiredRevision} (${desiredVersion})`
  return revision === desiredRevision ? desired : `${running}, ${desired} desired`
}

type RevisionOnDevice = Pick<Device['apps'][number], 'revision' | 'desiredRevision' | 'desiredVersion'>

/** `, 5 failed` where a newer one is not tried again. */
export function formatFailed(failedRevision: number | null | undefined): string {
  return failedRevision == null ? '' : `, ${failedRevision} failed`
}

export function formatService(service: Service): string {
  const notes = [
    service.scale === undefined ? '' : `${service.running ?? 0} of ${service.scale} run`,
    formatPull(service),
    clean((service.ports ?? []).join(', ')),
    service.restarts ? `${service.restarts} restarts` : '',
    service.state === 'exited' && service.exitCode != null ? `exit code ${service.exitCode}` : '',
    service.digest === undefined ? '' : clean(service.digest.slice(0, digestChars)),
  ].filter(note => note !== '')
  return `  ${clean(service.name)}: ${service.state}, ${clean(service.image)}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`
}

/** `sha256:` and the first 12 digits. */
const digestChars = 19
const mebibyte = 1024 * 1024

function formatPull({ pulledBytes, pullBytes }: Service): string {
  if (pulledBytes === undefined || pullBytes === undefined || pullBytes === 0) return ''
  const percent = Math.min(100, Math.floor((100 * pulledBytes) / pullBytes))
  return `${percent} % of ${(pullBytes / mebibyte).toFixed(1)} MiB pulled`
}
