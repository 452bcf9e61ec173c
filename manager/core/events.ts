// What happened, as records for people and programs: the event types, and which of them follow from a difference.
import type { Reported, ReportedApp, ReportedService } from '../../protocol/messages/reported.js'
import type { Readiness } from './liveness.js'

export const eventTypes = [
  'device.registered',
  'device.ready',
  'device.not-ready',
  'device.unknown',
  'device.changed',
  'device.released',
  'device.joined',
  'device.renewed',
  'device.conflict',
  'device.budget',
  'device.held',
  'device.freed',
  'permit.changed',
  'join.pending',
  'join.rejected',
  'join.refused',
  'token.created',
  'token.deleted',
  'group.created',
  'group.deleted',
  'group.joined',
  'group.left',
  'app.deployed',
  'app.started',
  'app.stopped',
  'app.updated',
  'app.changed',
  'app.restarted',
  'app.deleted',
  'app.state',
  'version.set',
  'version.deleted',
  'user.created',
  'user.changed',
  'user.deleted',
  'access-token.created',
  'access-token.deleted',
  'login.refused',
  'key.rotated',
  'images.changed',
  'link.changed',
  'manager.started',
  'message.dropped',
] as const
export type EventType = (typeof eventTypes)[number]

export interface NewEvent {
  readonly type: EventType
  readonly device: string | null
  readonly group: string | null
  readonly app: string | null
  readonly message: string
  readonly data: Readonly<Record<string, unknown>>
}

/** An event with its place in the one order of all events, and its wall-clock time in ms. */
export interface Event extends NewEvent {
  readonly id: number
  readonly at: number
}

export interface EventFilter {
  readonly device?: string | undefined
  readonly group?: string | undefined
  readonly app?: string | undefined
  readonly type?: string | undefined
}

export function newEvent(type: EventType, message: string, about: Partial<Omit<NewEvent, 'type' | 'message'>> = {}): NewEvent {
  return { type, device: null, group: null, app: null, data: {}, message, ...about }
}

export function matchesFilter(event: NewEvent, filter: EventFilter): boolean {
  return (
    (filter.device === undefined || event.device === filter.device) &&
    (filter.group === undefined || event.group === filter.group) &&
    (filter.app === undefined || event.app === filter.app) &&
    (filter.type === undefined || event.type === filter.type)
  )
}

/** The event of a device's change of readiness. A manager that has just started announces itself, not every device. */
export function readinessEvent(device: string, before: Readiness, after: Readiness): NewEvent | undefined {
  if (before.state === after.state && before.reason === after.reason) return undefined
  const data = { state: after.state, reason: after.reason }
  switch (after.state) {
    case 'Ready':
      return newEvent('device.ready', `${device} is Ready`, { device, data })
    case 'NotReady':
      return newEvent('device.not-ready', `${device} is NotReady: ${after.reason}`, { device, data })
    case 'Unknown':
      return newEvent('device.unknown', `${device} is Unknown: ${after.reason}`, { device, data })
  }
}

/** One `app.state` event for each app that differs between two reports; an app that is gone has the state `removed`. */
export function reportEvents(device: string, before: Reported | null, after: Reported): NewEvent[] {
  const key = (app: ReportedApp) => `${app.group ?? ''}/${app.name}`
  const old = new Map((before?.apps ?? []).map(app => [key(app), app]))
  const now = new Set(after.apps.map(key))
  const changed = after.apps.flatMap(app => {
    const earlier = old.get(key(app))
    if (!sameState(earlier, app)) return appEvent(device, app, app.state)
    // With a fault it is tried again and again: services that come and go then are no news.
    const services = app.fault === undefined ? changedServices(earlier, app) : []
    return services.length === 0 ? [] : appEvent(device, app, app.state, ` (${services.join(', ')})`)
  })
  const removed = [...old.values()].filter(app => !now.has(key(app))).map(app => appEvent(device, app, 'removed'))
  return [...changed, ...removed]
}

/** Faults of the device as a whole that were not there before. */
export function newFaults(before: Reported | null, after: Reported): NonNullable<Reported['faults']> {
  const old = new Set((before?.faults ?? []).map(fault => JSON.stringify(fault)))
  return (after.faults ?? []).filter(fault => !old.has(JSON.stringify(fault)))
}

/** `what` has changed, if the state has not. */
function appEvent(device: string, app: ReportedApp, state: ReportedApp['state'] | 'removed', what = ''): NewEvent {
  const why = app.fault === undefined ? what : `: ${app.fault.message}`
  const services = state === 'removed' ? [] : app.services
  const { revision, fault = null, failedRevision = null } = app
  const data = { state, revision, failedRevision, fault, services }
  return newEvent('app.state', `${app.name} on ${device} is ${state}${why}`, { device, group: app.group ?? null, app: app.name, data })
}

function sameState(one: ReportedApp | undefined, other: ReportedApp): boolean {
  return one !== undefined && JSON.stringify(stateOf(one)) === JSON.stringify(stateOf(other))
}

/** The same fault with another count, as of a crash loop that goes on, is the same fault. */
function stateOf({ revision, state, fault, failedRevision, refreshed }: ReportedApp): unknown {
  return [revision, state, fault?.code, fault?.path, fault?.message.replace(/\d+/g, '0'), failedRevision, refreshed]
}

/** Such as `web pulling`. Progress of pulls is no event: a slow one would fill the history. */
function changedServices(one: ReportedApp | undefined, { services }: ReportedApp): string[] {
  const plain = ({ pulledBytes, pullBytes, ...service }: ReportedService) => JSON.stringify(service)
  const before = new Map((one?.services ?? []).map(service => [service.name, plain(service)]))
  return services.filter(service => before.get(service.name) !== plain(service)).map(({ name, state }) => `${name} ${state}`)
}
