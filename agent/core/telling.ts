// What to tell next of what runs, given what the broker has acknowledged: everything, or only what has changed. Pure.
import { diffReport } from '../../protocol/changes.js'
import { changesCodec, stampOf } from '../../protocol/messages/changes.js'
import type { ServiceState } from '../../protocol/messages/heartbeat.js'
import { type Reported, type ReportedApp, reportedCodec } from '../../protocol/messages/reported.js'

/** What has been told in this run of the agent. */
export interface Told {
  /** As it is for whoever has taken in all that was told. */
  readonly report: Reported
  /** Of the newest message; changes name it. */
  readonly stamp: Uint8Array
  /** Of the newest whole report. */
  readonly wholeBytes: number
  /** Of all changes since then. */
  readonly changesBytes: number
}

export interface Message {
  readonly channel: 'reported' | 'changes'
  readonly payload: Buffer
  /** What has been told once it has arrived. */
  readonly told: Told
}

/** Undefined if nothing is left to tell. */
export function nextMessage(told: Told | undefined, next: Reported, changes: boolean): Message | undefined {
  if (told !== undefined && isSame(told.report, next)) return undefined
  return (changes && told !== undefined && changesMessage(told, next)) || wholeMessage(next)
}

export function wholeMessage(report: Reported): Message {
  const payload = reportedCodec.encode(report)
  const told = { report, stamp: stampOf(payload), wholeBytes: payload.length, changesBytes: 0 }
  return { channel: 'reported', payload, told }
}

/** Undefined where everything is told sooner: after another start of the agent, or when changes come to more bytes than it has. */
function changesMessage(told: Told, report: Reported): Message | undefined {
  if (told.report.start !== report.start) return undefined
  const payload = changesCodec.encode(diffReport(told, report))
  const changesBytes = told.changesBytes + payload.length
  if (changesBytes > told.wholeBytes) return undefined
  return { channel: 'changes', payload, told: { ...told, report, stamp: stampOf(payload), changesBytes } }
}

function isSame(one: Reported, other: Reported): boolean {
  return one.sequence === other.sequence && one.start === other.start
}

/** The report that was told with the states that its services have now: what heartbeats say follows its order. */
export function withStates(told: Reported, now: Reported): Reported {
  if (isSame(told, now)) return told
  const nameOf = ({ group = '', name }: ReportedApp) => `${group}/${name}`
  const states = new Map<string, ServiceState>(
    now.apps.flatMap(app => app.services.map(({ name, state }) => [`${nameOf(app)}/${name}`, state] as const)),
  )
  const apps = told.apps.map(app => ({
    ...app,
    services: app.services.map(service => ({ ...service, state: states.get(`${nameOf(app)}/${service.name}`) ?? service.state })),
  }))
  return { ...told, apps }
}
