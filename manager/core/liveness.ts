// Whether a device is there: signs of life folded into what is known, in any order of delivery, and what follows from it.
import { leaseMs } from '../../protocol/link.js'
import { type OfflineReason, offlineReasons } from '../../protocol/messages/status.js'

export const deviceStates = ['Ready', 'NotReady', 'Unknown'] as const
export type DeviceState = (typeof deviceStates)[number]

export type NotReadyReason = OfflineReason | 'HeartbeatMissed' | 'EngineUnavailable'
/** `BrokerUnavailable`: the lease ran out while the manager itself could not listen. */
export type UnknownReason = 'ManagerRestarted' | 'NeverSeen' | 'BrokerUnavailable'
export type Reason = NotReadyReason | UnknownReason | null

export interface Readiness {
  readonly state: DeviceState
  readonly reason: Reason
}

/** All that is known of a device's life. Times are monotonic ms of this manager process. */
export interface Signs {
  /** The newest epoch that any sign named; -1 before the first. */
  readonly epoch: number
  /** The death notice of that epoch. */
  readonly end: OfflineReason | null
  /** When a live sign last came; null if this process has not heard the device. */
  readonly heardAt: number | null
  /** Nothing came within the lease, and nothing has come since. */
  readonly lost: boolean
  /** What the newest birth or full heartbeat told, and which that was: the first birth of an epoch counts as number -1. */
  readonly intervalS: number
  /** Whether the Docker Engine answers. */
  readonly engine: boolean
  readonly told: { readonly epoch: number; readonly sequence: number }
  /** When this process began to wait for the device. */
  readonly awaitedSince: number
}

export type Sign =
  /** `live` is false for a retained birth: it tells the epoch and the facts, but is no sign of life. */
  | {
      readonly kind: 'birth'
      readonly epoch: number
      readonly sequence: number
      readonly intervalS: number
      readonly engine: boolean
      readonly live: boolean
      readonly at: number
    }
  | {
      readonly kind: 'heartbeat'
      readonly epoch: number
      readonly sequence: number
      readonly intervalS: number
      readonly engine: boolean
      readonly at: number
    }
  /** A short heartbeat: what the birth or a full heartbeat of its epoch said still holds. */
  | { readonly kind: 'pulse'; readonly epoch: number; readonly at: number }
  | { readonly kind: 'end'; readonly epoch: number; readonly reason: OfflineReason }

export const defaultIntervalS = 10

export function noSigns(awaitedSince: number): Signs {
  return {
    epoch: -1,
    end: null,
    heardAt: null,
    lost: false,
    intervalS: defaultIntervalS,
    engine: true,
    told: { epoch: -1, sequence: -1 },
    awaitedSince,
  }
}

/** What is known after one more sign. The order in which signs come makes no difference to the readiness that follows. */
export function foldSign(signs: Signs, sign: Sign): Signs {
  switch (sign.kind) {
    case 'birth':
      return advance(sign.live ? hear(signs, sign.at) : signs, sign)
    case 'heartbeat':
      return advance(hear(signs, sign.at), sign)
    case 'pulse':
      return begin(hear(signs, sign.at), sign.epoch)
    case 'end':
      return foldEnd(signs, sign.epoch, sign.reason)
  }
}

interface Told {
  readonly epoch: number
  readonly sequence: number
  readonly intervalS: number
  readonly engine: boolean
}

function hear(signs: Signs, at: number): Signs {
  return { ...signs, heardAt: Math.max(at, signs.heardAt ?? at), lost: false }
}

function advance(signs: Signs, { epoch, sequence, intervalS, engine }: Told): Signs {
  const { told } = signs
  const begun = begin(signs, epoch)
  const isNewer = epoch > told.epoch || (epoch === told.epoch && sequence > told.sequence)
  return isNewer ? { ...begun, intervalS, engine, told: { epoch, sequence } } : begun
}

function begin(signs: Signs, epoch: number): Signs {
  return epoch > signs.epoch ? { ...signs, epoch, end: null, lost: false } : signs
}

/** An older notice says nothing. Of several notices of one epoch the agent's own word outweighs its broker's. */
function foldEnd(signs: Signs, epoch: number, reason: OfflineReason): Signs {
  if (epoch < signs.epoch) return signs
  if (epoch > signs.epoch) return { ...signs, epoch, end: reason, lost: false }
  const known = signs.end === null ? -1 : offlineReasons.indexOf(signs.end)
  return offlineReasons.indexOf(reason) > known ? { ...signs, end: reason } : signs
}

/**
 * The readiness that follows at `now`. `listeningSince` is when the manager began to hear its broker, null while it does not:
 * silence counts against a device only when the manager could have heard it for a whole lease.
 */
export function readinessOf(signs: Signs, listeningSince: number | null, now: number): Readiness {
  if (signs.end !== null) return notReady[signs.end]
  if (signs.lost) return notReady.HeartbeatMissed
  const lease = leaseMs(signs.intervalS)
  if (signs.heardAt !== null && now < signs.heardAt + lease) return signs.engine ? ready : notReady.EngineUnavailable
  if (listeningSince !== null && now >= Math.max(listeningSince, signs.awaitedSince) + lease) return notReady.HeartbeatMissed
  // Whether it is there or not, it was last known not to be able to work.
  if (!signs.engine) return notReady.EngineUnavailable
  if (signs.heardAt !== null) return unknown.BrokerUnavailable
  return signs.epoch < 0 ? unknown.NeverSeen : unknown.ManagerRestarted
}

/**
 * Monotonic ms until which a device must be heard not to be NotReady; null while the manager does not hear its broker:
 * then silence counts against nobody.
 */
export function silentUntil(signs: Signs, listeningSince: number | null): number | null {
  if (listeningSince === null) return null
  return Math.max(signs.heardAt ?? listeningSince, listeningSince, signs.awaitedSince) + leaseMs(signs.intervalS)
}

/**
 * Whether a live birth or heartbeat comes from an epoch that is spent: the agent's state folder went back in time, and its
 * signs will be taken for old ones until it starts a later epoch.
 */
export function isSpent(known: Signs, sign: Sign): boolean {
  if (sign.kind === 'birth') return sign.live && (sign.epoch < known.epoch || (sign.epoch === known.epoch && known.end !== null))
  return sign.kind !== 'end' && known.end !== null && sign.epoch <= known.epoch
}

const ready: Readiness = { state: 'Ready', reason: null }

const notReady = {
  Disconnected: { state: 'NotReady', reason: 'Disconnected' },
  Stopped: { state: 'NotReady', reason: 'Stopped' },
  Released: { state: 'NotReady', reason: 'Released' },
  HeartbeatMissed: { state: 'NotReady', reason: 'HeartbeatMissed' },
  EngineUnavailable: { state: 'NotReady', reason: 'EngineUnavailable' },
} as const satisfies Record<NotReadyReason, Readiness>

const unknown = {
  ManagerRestarted: { state: 'Unknown', reason: 'ManagerRestarted' },
  NeverSeen: { state: 'Unknown', reason: 'NeverSeen' },
  BrokerUnavailable: { state: 'Unknown', reason: 'BrokerUnavailable' },
} as const satisfies Record<UnknownReason, Readiness>
