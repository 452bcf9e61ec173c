// A report that fits its message: of a device with too much to tell, less of each app, never nothing.
import type { Fault } from '../../protocol/messages/message.js'
import {
  maxApps,
  maxServices,
  type Reported,
  type ReportedApp,
  type ReportedService,
  reportedCodec,
} from '../../protocol/messages/reported.js'

const maxPorts = 256
const maxFaults = 64

/** What is left out, in this order, until the rest fits. */
const cuts: readonly ((app: ReportedApp) => ReportedApp)[] = [
  app => ({ ...app, services: app.services.map(({ ports: _, ...service }) => service) }),
  app => ({ ...app, services: app.services.map(({ name, state }) => ({ name, state, image: '' })) }),
  app => ({ ...app, services: [] }),
  ({ fault: _, ...app }) => ({ ...app, services: [] }),
]

/** The report itself if it fits; otherwise a shorter one with a fault that says so. */
export function shorten(report: Reported): Reported {
  const listed = { ...report, apps: report.apps.slice(0, maxApps).map(limitApp) }
  if (fits(listed)) return listed
  for (const cut of cuts) {
    const shorter = withFault({ ...listed, apps: listed.apps.map(cut) })
    if (fits(shorter)) return shorter
  }
  return withFault({ ...report, apps: [], faults: [] })
}

function limitApp(app: ReportedApp): ReportedApp {
  return { ...app, services: app.services.slice(0, maxServices).map(limitService) }
}

function limitService(service: ReportedService): ReportedService {
  return service.ports === undefined ? service : { ...service, ports: service.ports.slice(0, maxPorts) }
}

function fits(report: Reported): boolean {
  return reportedCodec.decode(reportedCodec.encode(report)).ok
}

function withFault(report: Reported): Reported {
  const fault: Fault = {
    code: 'message.too-large',
    message: 'there is more to report than one message holds: details of the apps are left out',
  }
  return { ...report, faults: [fault, ...(report.faults ?? [])].slice(0, maxFaults) }
}
