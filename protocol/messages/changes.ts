// What runs on a device, told as what has changed since another message of it: agent → manager, not retained.
import { createHash } from 'node:crypto'
import { edits, type PatchOf, patchFields } from '../patch.js'
import { bytes, field, type Of, optional, record, uint } from '../shape.js'
import { codec, version } from './message.js'
import { appFields, maxApps, maxReportBytes, maxServices, reportedApp, reportedFields, reportedService, serviceFields } from './reported.js'

export type ServicePatch = PatchOf<typeof serviceFields>
const appPatch = record({
  ...patchFields(appFields),
  services: optional(7, edits(reportedService, record(patchFields(serviceFields)), maxServices)),
})
export type AppPatch = Of<typeof appPatch>

const changes = record({
  version: field(0, version),
  /** Of the report that they make. */
  sequence: field(1, uint()),
  ...patchFields(reportedFields),
  apps: optional(5, edits(reportedApp, appPatch, maxApps)),
  /** The stamp of the message that they follow: a report, or changes that followed one. */
  base: field(11, bytes(4, 4)),
})
export type Changes = Of<typeof changes>

export const changesCodec = codec(changes, maxReportBytes)

/** What tells a message from every other: the first 4 bytes of the SHA-256 of its payload. */
export function stampOf(payload: Uint8Array): Buffer {
  return createHash('sha256').update(payload).digest().subarray(0, 4)
}
