// What the agent knows of one permit, and in this session of what the broker has of it.
import type { Fault } from '../protocol/messages/message.js'
import type { PermitTopic } from '../protocol/permit-topics.js'
import type { Standing } from './core/hold.js'

export interface Watch {
  readonly of: PermitTopic
  standing: Standing | undefined
  /** A live message has come in this session: a copy is older. */
  live: boolean
  /** It is known in this session what the broker has. */
  settled: boolean
  /** Whether its standing is the broker's last word; undefined: nothing was heard of it since the start. */
  heard: boolean | undefined
  /** What is retained has begun to come. */
  marked: boolean
  fault: Fault | undefined
  cancel: () => void
}

export function newWatch(of: PermitTopic, standing: Standing | undefined): Watch {
  return { of, standing, live: false, settled: false, heard: undefined, marked: false, fault: undefined, cancel: () => {} }
}

/** Of what is kept on disk: a lease that goes on is no news. */
export function isAsKept(kept: Standing | undefined, standing: Standing | undefined): boolean {
  return keyOf(kept) === keyOf(standing)
}

function keyOf(standing: Standing | undefined): string {
  return standing === undefined ? '' : JSON.stringify([standing.value, standing.by, standing.untilMs !== undefined])
}
