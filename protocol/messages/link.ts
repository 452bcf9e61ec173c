// How a device uses its link: what a link profile comes to, as a manifest carries it.
import { field, flag, integer, list, type Of, optional, record, text, tuple, uint } from '../shape.js'

/** Minutes of the day in UTC; `to` may be the earlier one: over midnight. */
const quietHours = tuple({ fromMin: integer(0, 1439), toMin: integer(0, 1439) })
export type QuietHours = Of<typeof quietHours>

/** Written by the manager. Liveness and desired state are never held back; everything else may be. */
export const link = record({
  /** The profile that it began from, such as `cellular`; for people. */
  profile: field(1, text(32)),
  /** Between heartbeats. */
  intervalS: field(2, integer(1, 86_400)),
  /** The MQTT keep-alive: what may pass without an answer of the broker before one is asked for; after half as much again it is given up. */
  keepaliveS: field(3, integer(1, 65_535)),
  /** Between heartbeats that carry metrics; 0: all do. */
  metricsS: field(4, uint(86_400)),
  /** Between two reports, at least. */
  reportMs: field(5, integer(100, 3_600_000)),
  /** Reports say only what has changed. */
  changes: optional(6, flag),
  /** Between two accounts of the bytes used. */
  usageS: field(7, integer(10, 86_400)),
  /** Of logs, on the average; absent: no limit. */
  logBytesPerS: optional(8, integer(128, 0x7fffffff)),
  /** Of logs, in one request; absent: no limit. */
  logBytes: optional(9, integer(1024, 0x7fffffff)),
  /** Images pulled at a time; absent: no limit. */
  pulls: optional(10, integer(1, 100)),
  /** When nothing is pulled and no telemetry is sent. */
  quiet: optional(11, list(quietHours, 16)),
})
export type Link = Of<typeof link>

export const profileNames = ['lan', 'cellular', 'satellite'] as const
export type ProfileName = (typeof profileNames)[number]

export const profiles: Readonly<Record<ProfileName, Link>> = {
  lan: { profile: 'lan', intervalS: 10, keepaliveS: 22, metricsS: 0, reportMs: 200, usageS: 60 },
  cellular: {
    profile: 'cellular',
    intervalS: 300,
    keepaliveS: 2400,
    metricsS: 1800,
    reportMs: 5_000,
    changes: true,
    usageS: 21_600,
    logBytesPerS: 16_384,
    logBytes: 1_048_576,
    pulls: 1,
  },
  satellite: {
    profile: 'satellite',
    intervalS: 1200,
    keepaliveS: 7200,
    metricsS: 7200,
    reportMs: 60_000,
    changes: true,
    usageS: 86_400,
    logBytesPerS: 2_048,
    logBytes: 65_536,
    pulls: 1,
  },
}
