// The difference of two reports, and a report with such a difference applied: applying what differs gives the later one.
import { accept, type Result } from './errors.js'
import type { AppPatch, Changes, ServicePatch } from './messages/changes.js'
import {
  appFields,
  type Reported,
  type ReportedApp,
  type ReportedService,
  reportedCodec,
  reportedFields,
  serviceFields,
} from './messages/reported.js'
import { diffFields, diffList, type Items, patchList, patchRecord } from './patch.js'

/** What to tell whoever has `base`, the message with that stamp. */
export function diffReport(base: { readonly report: Reported; readonly stamp: Uint8Array }, next: Reported): Changes {
  const apps = diffList(base.report.apps, next.apps, appItems)
  return {
    version: next.version,
    sequence: next.sequence,
    ...diffFields(reportedFields, base.report, next),
    ...(apps === undefined ? {} : { apps }),
    base: base.stamp,
  }
}

/** Refuses with `message.invalid` what does not fit, and with `message.too-large` what would make too large a report. */
export function applyChanges(base: Reported, changes: Changes): Result<Reported> {
  const apps = patchList(base.apps, changes.apps ?? {}, appItems)
  if (!apps.ok) return apps
  const { version, sequence } = changes
  return reportedCodec.decode(reportedCodec.encode({ version, sequence, ...patchRecord(reportedFields, base, changes), apps: apps.value }))
}

const serviceItems: Items<ReportedService, ServicePatch> = {
  keyOf: ({ name }) => name,
  diff: (base, next) => unlessEmpty(diffFields(serviceFields, base, next)),
  apply: (base, patch) => accept(patchRecord(serviceFields, base, patch)),
}

const appItems: Items<ReportedApp, AppPatch> = {
  keyOf: ({ group = '', name }) => `${group}/${name}`,
  diff(base, next) {
    const services = diffList(base.services, next.services, serviceItems)
    return unlessEmpty({ ...diffFields(appFields, base, next), ...(services === undefined ? {} : { services }) })
  },
  apply(base, patch) {
    const services = patchList(base.services, patch.services ?? {}, serviceItems)
    return services.ok ? accept({ ...patchRecord(appFields, base, patch), services: services.value }) : services
  },
}

function unlessEmpty<T extends object>(patch: T): T | undefined {
  return Object.keys(patch).length === 0 ? undefined : patch
}
