// The report put together from what is held and how the loops fare.
import type { Fault } from '../protocol/messages/message.js'
import { digestText } from '../protocol/spec.js'
import { refreshedOf } from './core/course.js'
import type { EffectiveApp } from './core/effective.js'
import { concernFault, imageConcern } from './core/image-lists.js'
import type { AppRecord } from './core/record.js'
import { reportApp } from './core/report.js'
import type { Holdings } from './holdings.js'
import type { Lane } from './lane.js'
import type { Ledger } from './ledger.js'
import type { Reconciler } from './reconcile.js'
import type { Report } from './reporter.js'
import type { LaneView } from './view.js'

export interface ReportSources {
  readonly holdings: Holdings
  readonly reconciler: Reconciler
  readonly ledger: Ledger
}

/** Undefined until every app has been looked at, or the Engine is known not to answer: a restart must not look like a failure. */
export function assembleReport({ holdings, reconciler, ledger }: ReportSources): Report | undefined {
  const lanes = [...reconciler.lanes()].sort(([a], [b]) => (a < b ? -1 : 1))
  if (reconciler.engineUp !== false && lanes.some(([, lane]) => !lane.view().known)) return undefined
  const { device, fleet } = holdings
  const { apps, conflicts } = holdings.effective()
  const effective = new Map(apps.map(app => [app.name, app]))
  const faults = [...conflicts, ...lanes.flatMap(([name, lane]) => concernOf(name, lane.view()))]
  return {
    ...(device === undefined ? {} : { instance: device.instance }),
    revision: device?.revision ?? 0,
    groups: [...holdings.groups].map(([name, { revision }]) => ({ name, revision })),
    apps: lanes.map(([name, lane]) => reportLane(name, lane, effective.get(name), ledger.get(name))),
    ...(faults.length === 0 ? {} : { faults: faults.slice(0, 64) }),
    ...(fleet === undefined ? {} : { fleet: fleet.revision }),
  }
}

/** What runs on although it would not be begun any more. */
function concernOf(name: string, { target: { wish, concern }, observed }: LaneView): Fault[] {
  const found = concern ?? (wish?.run === 'running' ? imageConcern(wish, observed) : undefined)
  return found === undefined ? [] : [concernFault(name, found)]
}

function reportLane(name: string, lane: Lane, app: EffectiveApp | undefined, record: AppRecord | undefined) {
  const view = lane.view()
  const { wish, course, failed } = view.target
  const waiting = app !== undefined && wish?.run === 'running' && isOther(lane, app)
  return reportApp({
    ...view,
    name,
    group: app?.group,
    revision: record?.applied?.revision ?? 0,
    digest: record?.applied?.digest,
    wish,
    course,
    failed: course === 'desired' && view.begun ? undefined : failed,
    stays: app?.policy?.rollBack === false,
    refreshed: refreshedOf(record),
    busy: view.busy || waiting,
  })
}

/** True while another spec than the desired one is followed, as that has not come yet. */
function isOther(lane: Lane, app: EffectiveApp): boolean {
  const { revision, course } = lane.target
  return course === 'desired' && revision !== undefined && digestText(revision.digest) !== digestText(app.digest)
}
