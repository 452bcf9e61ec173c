// Every bound of the broker, in one place. Each can be changed by options; none can be left out.
import { longestKeepaliveS } from '../protocol/link.js'
import type { FrameLimits } from './frames.js'
import type { StoreLimits } from './store/options.js'

export interface Rate {
  /** Tokens that come back in each second. */
  readonly perSecond: number
  /** Tokens at most, so that a fleet may reconnect at once. */
  readonly burst: number
}

export interface BrokerLimits extends StoreLimits, FrameLimits {
  readonly connections: number
  /** New connections from all addresses together; what is above is closed unheard. */
  readonly connectRate: Rate
  /** New connections from one address. */
  readonly connectRatePerAddress: Rate
  /** A connection must have its TLS handshake behind it by then, and have sent its CONNECT after as long again; a link that loses packets takes its time. */
  readonly connectTimeoutMs: number
  /** A client that asks for a longer keep-alive, or for none, is held to this one. */
  readonly keepaliveS: number
  /** A password must have been looked at by then. */
  readonly logInMs: number
  /** Connections that have not been let in yet, from all addresses together; what is above is closed unheard. */
  readonly waiting: number
  readonly waitingPerAddress: number
  /** Connections of devices that ask to join. */
  readonly joiners: number
  readonly joinRate: Rate
  readonly joinRatePerAddress: Rate
  /** Whole PUBLISH frames of devices that are not in the fleet, in bytes, and how many one connection may send. */
  readonly strangerFrameBytes: number
  readonly strangerPublishRate: Rate
  /** What may wait in memory for a subscriber that reads too slowly: above it QoS 0 is dropped, and with QoS 1 and 2 the subscriber is disconnected. */
  readonly outputBytes: number
  /** The same for the manager's own in-process connection, which hears the whole fleet. */
  readonly managerOutputBytes: number
  /** A subscriber whose output has not been empty for so long is disconnected. It holds up nobody but itself meanwhile. */
  readonly drainTimeoutMs: number
  /** QoS 2 messages of one client that it has not released. */
  readonly unreleased: number
  /** Persistent sessions, absent ones included. */
  readonly sessions: number
  /** An absent session is forgotten after this time. */
  readonly sessionExpiryMs: number
  /** Clients of an earlier run of the broker have this time to come back before their wills are published. */
  readonly willGraceMs: number
  /**
   * The same for devices: one on a thin link sees only at its next heartbeat that the broker was away, and no keep-alive is longer than
   * its limit. The manager judges silent devices by its own leases long before.
   */
  readonly deviceWillGraceMs: number
}

const mebibyte = 1024 * 1024
const day = 24 * 60 * 60 * 1000

export const defaultLimits: BrokerLimits = {
  connections: 20_000,
  connectRate: { perSecond: 2000, burst: 10_000 },
  connectRatePerAddress: { perSecond: 2000, burst: 10_000 },
  connectTimeoutMs: 60_000,
  controlBytes: 64 * 1024,
  // The largest payload of topics.md, with its topic name.
  frameBytes: Math.floor(1.1 * mebibyte),
  keepaliveS: longestKeepaliveS,
  subscriptions: 1000,
  logInMs: 30_000,
  waiting: 4000,
  waitingPerAddress: 2000,
  joiners: 300,
  joinRate: { perSecond: 20, burst: 400 },
  joinRatePerAddress: { perSecond: 5, burst: 150 },
  // A request to join has 12 KiB at most.
  strangerFrameBytes: 13 * 1024,
  strangerPublishRate: { perSecond: 0.5, burst: 10 },
  outputBytes: 4 * mebibyte,
  managerOutputBytes: 64 * mebibyte,
  drainTimeoutMs: 300_000,
  unreleased: 64,
  sessions: 10_000,
  sessionExpiryMs: 7 * day,
  willGraceMs: 60_000,
  deviceWillGraceMs: 1.5 * longestKeepaliveS * 1000,
  retainedMessages: 200_000,
  retainedBytes: 512 * mebibyte,
  dataMessages: 20_000,
  dataBytes: 64 * mebibyte,
  queuedMessages: 1000,
  queuedBytes: 4 * mebibyte,
  totalQueuedBytes: 256 * mebibyte,
}
