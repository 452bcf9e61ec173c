// The fleet as the API shows it. Pure.
import type { Refusal } from '../../protocol/errors.js'
import { leaseMs } from '../../protocol/link.js'
import type { ReportedService } from '../../protocol/messages/reported.js'
import { digestText } from '../../protocol/spec.js'
import type { ShownSpec } from '../apps.js'
import type { Event } from '../core/events.js'
import { type Held, heldOf, type PermitRecord } from '../core/held.js'
import { type DeviceLink, showLink } from '../core/links.js'
import { type App, type Device, nameOf } from '../core/model.js'
import { type AppOnDevice, appsOnDevice, countStandings, standingOf, summarise } from '../core/rollup.js'
import type { DeviceContext } from '../queries.js'
import type { RevisionRow } from '../store/apps.js'
import type { KeyRow } from '../store/device-keys.js'
import type { GroupRow } from '../store/groups.js'
import type { VersionRow } from '../store/versions.js'
import type { AppView } from './schemas/apps.js'
import type { DeviceView, GroupView } from './schemas/devices.js'
import type { EventView } from './schemas/events.js'
import type { HeldView, PermitView } from './schemas/permits.js'

export function showDevice(device: Device, context: DeviceContext): DeviceView {
  const { id, description, labels, state, reason, since, lastSeen, signs, facts, metrics, reported } = device
  const held = heldOf(device, context.permits)
  return {
    id,
    name: nameOf(device),
    description,
    labels,
    state,
    reason,
    since: iso(since),
    lastSeen: lastSeen === null ? null : iso(lastSeen),
    expectedBy: context.expectedBy === null ? null : iso(context.expectedBy),
    intervalS: signs.intervalS,
    leaseS: leaseMs(signs.intervalS) / 1000,
    link: showDeviceLink(context.link),
    usage: showMonth(context),
    epoch: Math.max(0, signs.epoch),
    facts: facts === null ? null : { ...facts, addresses: [...facts.addresses] },
    metrics,
    groups: [...context.groups],
    revision: { desired: context.revision, held: device.held },
    apps: appsOnDevice(device, context.apps).map(on => ({ app: on.app, ...showOnDevice(on, on.state === 'held' ? held : null) })),
    faults: [...(reported?.faults ?? [])],
    identity: showIdentity(context.key),
    permit: showPermit(context.permits.find(({ target }) => target.kind === 'device')),
    held: showHeld(held),
  }
}

function showIdentity(row: KeyRow | undefined): DeviceView['identity'] {
  if (row === undefined) return null
  const { key, via, joinedAt, endsAt } = row
  return { key, via, joinedAt: iso(joinedAt), certificateUntil: endsAt === null ? null : iso(endsAt) }
}

function showDeviceLink({ link, of, budgetBytes }: DeviceLink): DeviceView['link'] {
  return { ...showLink(link, budgetBytes), of }
}

/** Null if the device has never told what its connection costs. */
export function showMonth({ month, link: { budgetBytes } }: DeviceContext): DeviceView['usage'] {
  return month === undefined ? null : { ...month, budgetBytes }
}

interface GroupParts {
  readonly group: GroupRow
  readonly devices: readonly Device[]
  readonly apps: readonly App[]
  readonly permit: PermitRecord | undefined
}

export function showGroup({ group, devices, apps, permit }: GroupParts): GroupView {
  return {
    name: group.name,
    devices: devices.map(device => ({ id: device.id, name: nameOf(device), state: device.state })),
    apps: apps.map(app => app.name),
    createdAt: iso(group.createdAt),
    permit: showPermit(permit),
  }
}

export function showPermit(permit: PermitRecord | undefined): PermitView | null {
  if (permit === undefined) return null
  const { value, leaseS, by, user, address, since } = permit
  return { value, leaseS, by, user, address, since: iso(since) }
}

function showHeld(held: Held | null): HeldView | null {
  return held && { ...held, since: iso(held.since) }
}

export function showApp(app: App, devices: readonly { device: Device; on: AppOnDevice; held: Held | null }[]): AppView {
  const standings = devices.map(({ on }) => standingOf(app, on))
  return {
    name: app.name,
    target: app.target,
    revision: app.revision,
    version: app.version,
    digest: app.digest,
    run: app.run,
    createdAt: iso(app.createdAt),
    updatedAt: iso(app.updatedAt),
    services: [...app.services],
    refresh: app.refresh === null ? null : { generation: app.refresh.generation, services: app.refresh.services?.slice() ?? null },
    policy: { restart: app.policy.restart ?? 'no', settleS: app.policy.settleS ?? null, rollBack: app.policy.rollBack ?? true },
    state: summarise(standings),
    counts: countStandings(standings),
    devices: devices.map(({ device, on, held }) => ({
      device: device.id,
      name: nameOf(device),
      deviceState: device.state,
      reason: device.reason,
      ...showOnDevice(on, held),
    })),
  }
}

export function showRevision({ revision, version, digest, createdAt, origin }: RevisionRow) {
  return { revision, version, digest, createdAt: iso(createdAt), origin }
}

export function showVersion({ name, revision, digest, createdAt, origin }: VersionRow) {
  return { version: name, revision, digest, createdAt: iso(createdAt), origin }
}

/** Values of variables may be secrets: their names alone are shown. */
export function showSpec({ row, compose, path = 'compose.yaml', overrides = [], files = [], environment = [], profiles = [] }: ShownSpec) {
  return {
    ...showRevision(row),
    compose,
    path,
    overrides: [...overrides],
    files: files.map(file => ({
      path: file.path,
      sizeBytes: file.sizeBytes,
      digest: digestText(file.digest),
      executable: file.executable ?? false,
    })),
    environment: environment.map(({ name }) => name),
    profiles: [...profiles],
  }
}

export function showEvent({ id, at, type, device, group, app, message, data }: Event): EventView {
  return { id, at: iso(at), type, device, group, app, message, data: { ...data } }
}

export function showRefusals(refusals: readonly Refusal[]): Refusal[] {
  return refusals.map(refusal => ({ ...refusal }))
}

function showOnDevice({ app: _, isTold: __, services, ...on }: AppOnDevice, held: Held | null) {
  return { ...on, held: showHeld(held), services: services.map(showService) }
}

function showService({ ports = [], ...service }: ReportedService) {
  return { ...service, ports: [...ports] }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
