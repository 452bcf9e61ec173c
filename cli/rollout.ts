// Decides how far a deploy has come, from what the API says of an app, and what changed since last time. Pure.
import type { App, AppDevice } from './api/apps.js'
import type { Service } from './api/standing.js'
import { formatRefusal } from './errors.js'

export type Verdict =
  | { readonly kind: 'done'; readonly running: number; readonly absent: readonly AppDevice[] }
  | { readonly kind: 'failed'; readonly devices: readonly AppDevice[] }
  /** `why` only where there is nothing to see coming. */
  | { readonly kind: 'waiting'; readonly why?: string }

export interface Goal {
  readonly revision: number
  /** Generation of the refresh that is waited for; absent: none. */
  readonly refresh?: number
  /** Devices whose failure is that of an earlier deploy, until they report anew. */
  readonly stale: ReadonlySet<string>
}

/**
 * Done when every Ready device runs the revision and at least one does; failed when some Ready device has failed and no other Ready one
 * is still at it. Devices that are not Ready are not waited for, unless there is no other: then nothing runs it yet, and `why` names them.
 */
export function judge(app: App, goal: Goal): Verdict {
  if (app.devices.length === 0) return { kind: 'done', running: 0, absent: [] }
  const ready = app.devices.filter(device => device.deviceState === 'Ready')
  if (ready.length === 0) return { kind: 'waiting', why: `no device is Ready: ${listAbsent(app.devices)}` }
  const failed = ready.filter(device => failedAt(device, goal))
  const running = ready.filter(device => runs(device, goal))
  const open = ready.filter(device => !failed.includes(device) && !running.includes(device))
  if (open.length > 0)
    return open.every(({ state }) => state === 'held') ? { kind: 'waiting', why: describeHeld(open) } : { kind: 'waiting' }
  if (failed.length > 0) return { kind: 'failed', devices: failed }
  return { kind: 'done', running: running.length, absent: app.devices.filter(device => device.deviceState !== 'Ready') }
}

/** One sentence for the end of a wait; the devices that are away by name and reason. */
export function describeDone(app: string, { running, absent }: Verdict & { kind: 'done' }): string {
  if (running === 0) return `app ${app}: there is no device to wait for`
  const later = absent.length === 0 ? '' : `; not Ready, will get it when back: ${listAbsent(absent)}`
  return `app ${app} runs on ${running} device${running === 1 ? '' : 's'}${later}`
}

function describeHeld(devices: readonly AppDevice[]): string {
  const [first] = devices
  const by = first?.held?.by === 'group' ? `group ${first.held.group}` : (first?.held?.by ?? 'a permit')
  return `held by ${by} on ${devices.length} device${devices.length === 1 ? '' : 's'}`
}

const shownAbsent = 10

function listAbsent(devices: readonly AppDevice[]): string {
  const names = devices.slice(0, shownAbsent).map(device => `${device.name} (${device.reason ?? device.deviceState})`)
  return [...names, ...(devices.length > shownAbsent ? [`and ${devices.length - shownAbsent} more`] : [])].join(', ')
}

function runs(device: AppDevice, { revision, refresh = 0 }: Goal): boolean {
  return device.state === 'running' && (device.revision ?? 0) >= revision && (device.refreshed ?? 0) >= refresh
}

/** A device names the revision that failed, and the refresh that it gave up; where it does not, only what is stale is of before. */
function failedAt(device: AppDevice, { revision, refresh, stale }: Goal): boolean {
  if (!hasFailed(device)) return false
  if (refresh !== undefined && device.refreshed !== null) return device.refreshed >= refresh
  if (refresh === undefined && device.failedRevision !== null) return device.failedRevision >= revision
  return !stale.has(device.device)
}

export function hasFailed(device: AppDevice): boolean {
  return device.state === 'failed' || device.state === 'rolled-back'
}

/** One line for each thing that changed between two looks at an app, devices and services by name. */
export function describeChanges(before: App | undefined, after: App): string[] {
  return after.devices.flatMap(device => {
    const earlier = before?.devices.find(each => each.device === device.device)
    return [...deviceLines(earlier, device), ...serviceLines(earlier, device), ...appLines(earlier, device)]
  })
}

function deviceLines(before: AppDevice | undefined, after: AppDevice): string[] {
  if (before?.deviceState === after.deviceState || (before === undefined && after.deviceState === 'Ready')) return []
  return [`${after.name}: device is ${after.deviceState}${after.reason === null ? '' : ` (${after.reason})`}`]
}

function serviceLines(before: AppDevice | undefined, after: AppDevice): string[] {
  return after.services.flatMap(service => {
    const earlier = before?.services.find(each => each.name === service.name)
    const tenth = tenthOf(service)
    if (earlier?.state === service.state && (tenth === undefined || tenth <= (tenthOf(earlier) ?? 0))) return []
    const what = service.state === 'pulling' || service.state === 'created' ? `${service.state} (${service.image})` : service.state
    return [`${after.name}: ${service.name} ${what}${tenth === undefined || tenth === 0 ? '' : `: ${tenth * 10} %`}`]
  })
}

/** How many tenths of its image have come; undefined while none is pulled. */
function tenthOf({ pulledBytes, pullBytes }: Service): number | undefined {
  return pulledBytes === undefined || !pullBytes ? undefined : Math.min(10, Math.floor((10 * pulledBytes) / pullBytes))
}

function appLines(before: AppDevice | undefined, after: AppDevice): string[] {
  if (after.state === 'pending' || (statusOf(before) === statusOf(after) && before?.fault?.message === after.fault?.message)) return []
  return [`${after.name}: app ${statusOf(after)}${after.fault === null ? '' : `: ${formatRefusal(after.fault)}`}`]
}

/** The revision says something only of what runs. */
function statusOf(device: AppDevice | undefined): string | undefined {
  return device?.state === 'running' ? `running revision ${device.revision}` : device?.state
}
