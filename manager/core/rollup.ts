// What devices report of apps, against what is desired: per device, and summed up per app.

import { unpackStates } from '../../protocol/messages/heartbeat.js'
import type { AppState, Reported, ReportedApp, ReportedService } from '../../protocol/messages/reported.js'
import { effectiveApps } from './desired.js'
import type { App, Device } from './model.js'
import { isToldOf } from './reports.js'

export interface AppFault {
  readonly code: string
  readonly message: string
  readonly path?: string
}

/** One app on one device. `revision` is null until the device reports it, `desiredRevision` once it is no longer desired. */
export interface AppOnDevice {
  readonly app: string
  readonly group: string | null
  readonly revision: number | null
  readonly desiredRevision: number | null
  /** The name of the desired revision; null if it has none. */
  readonly desiredVersion: string | null
  /** As reported; `pending` if the device has not reported the app. */
  readonly state: Standing
  readonly fault: AppFault | null
  /** A revision that failed here and is not tried again until something changes. */
  readonly failedRevision: number | null
  /** Generation of the newest refresh that was done, or given up; null if none was. */
  readonly refreshed: number | null
  /** The device had been told what is desired now when it reported this. */
  readonly isTold: boolean
  readonly services: readonly ReportedService[]
}

export type Standing = AppState | 'pending'

/** The reported apps, with the service states of the newest heartbeat where it follows the same report. */
function liveApps(device: Device): readonly ReportedApp[] {
  const { reported, serviceStates } = device
  if (reported === null) return []
  const count = reported.apps.reduce((sum, app) => sum + app.services.length, 0)
  if (serviceStates?.states.length !== count || !isToldOf(reported, serviceStates)) return reported.apps
  const states = unpackStates(serviceStates.states)[Symbol.iterator]()
  return reported.apps.map(app => ({
    ...app,
    services: app.services.map(service => ({ ...service, state: states.next().value ?? service.state })),
  }))
}

/** Every app that a device should run or still runs. `desired` holds its own apps and those of its groups. */
export function appsOnDevice(device: Device, desired: readonly App[]): AppOnDevice[] {
  const live = liveApps(device)
  const winners = [...effectiveApps(desired).values()]
  const wanted = winners.map(app => showApp(app, find(live, app), device.reported))
  const leftover = live.filter(reported => !winners.some(app => isOf(reported, app))).map(showLeftover)
  return [...wanted, ...leftover].sort((one, other) => (one.app < other.app ? -1 : one.app > other.app ? 1 : 0))
}

/** One app on one of its target's devices; `winner` is the app of that name that the device follows. */
export function appOnDevice(app: App, device: Device, winner: App): AppOnDevice {
  if (winner.id === app.id) return showApp(app, find(liveApps(device), app), device.reported)
  const by = winner.target.kind === 'device' ? 'its own app' : `the app of group ${winner.target.name}`
  return { ...showApp(app, undefined, null), fault: { code: 'app.conflict', message: `the device follows ${by} of the same name` } }
}

/** Where a device stands with an app, for counting: what it reports counts only if it is about what is desired now. */
export function standingOf(app: App, on: AppOnDevice): Standing {
  if (on.fault?.code === 'app.conflict' && on.revision === null) return 'failed'
  if (on.state === 'updating' || on.state === 'removing' || on.state === 'held') return on.state
  if (on.state === 'failed' || on.state === 'rolled-back') return isOfBefore(app, on) ? 'pending' : on.state
  if (on.revision !== app.revision) return 'pending'
  if (app.run === 'running' && app.refresh !== null && (on.refreshed ?? 0) < app.refresh.generation) return 'pending'
  if (app.run === 'stopped') return on.state === 'stopped' ? 'stopped' : 'pending'
  return on.state === 'stopped' || on.state === 'unknown' ? 'pending' : on.state
}

/** A failure of another revision, or from before the device was told what is desired now. */
function isOfBefore(app: App, { isTold, failedRevision }: AppOnDevice): boolean {
  return !isTold || (failedRevision !== null && failedRevision !== app.revision)
}

/** One word for an app on all its devices: the worst news first, then progress, then success. */
export function summarise(standings: readonly Standing[]): Standing {
  const any = (state: Standing) => standings.includes(state)
  if (standings.length === 0) return 'pending'
  const [first] = standings
  if (first !== undefined && standings.every(state => state === first)) return first
  if (any('failed')) return 'failed'
  if (any('rolled-back')) return 'rolled-back'
  if (any('held')) return 'held'
  if (any('updating') || any('removing')) return 'updating'
  return any('running') || any('partial') || any('stopped') ? 'partial' : 'pending'
}

export function countStandings(standings: readonly Standing[]): Record<string, number> {
  const counts: Record<string, number> = { total: standings.length, running: 0 }
  for (const state of standings) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

function find(live: readonly ReportedApp[], app: App): ReportedApp | undefined {
  return live.find(reported => isOf(reported, app))
}

function isOf(reported: ReportedApp, app: App): boolean {
  return reported.name === app.name && reported.group === (app.target.kind === 'group' ? app.target.name : undefined)
}

function showApp(app: App, reported: ReportedApp | undefined, report: Reported | null): AppOnDevice {
  const group = app.target.kind === 'group' ? app.target.name : null
  const base = { app: app.name, group, desiredRevision: app.revision, desiredVersion: app.version }
  if (reported !== undefined) return { ...base, ...told(reported), isTold: heldManifest(app, report) >= app.manifest }
  return { ...base, isTold: false, revision: null, state: 'pending', fault: null, failedRevision: null, refreshed: null, services: [] }
}

function showLeftover(reported: ReportedApp): AppOnDevice {
  const { name, group } = reported
  return { app: name, group: group ?? null, desiredRevision: null, desiredVersion: null, ...told(reported), isTold: false }
}

/** The newest manifest of the app's target that the device held when it reported; -1 if none. */
function heldManifest({ target }: App, report: Reported | null): number {
  const held = target.kind === 'device' ? report : report?.groups.find(({ name }) => name === target.name)
  return held?.revision ?? -1
}

function told({ revision, state, fault, failedRevision, refreshed, services }: ReportedApp) {
  return { revision, state, fault: fault ?? null, failedRevision: failedRevision ?? null, refreshed: refreshed ?? null, services }
}
