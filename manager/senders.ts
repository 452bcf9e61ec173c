// Who sends commands, over MQTT or over HTTP: whether they may, and how the history and the audit trail name them.
import type { User } from '../protocol/access.js'
import type { Answer } from '../protocol/answer.js'
import { type CommandTopic, parseCommandTopic, type Sender } from '../protocol/command-topics.js'
import { accept, type Result, refuse } from '../protocol/errors.js'
import { parsePermitTopic } from '../protocol/permit-topics.js'
import { type Actor, type Deed, targetPath } from './core/audit.js'
import { permitCommand, type Who } from './core/permit.js'
import type { Origin } from './store/apps.js'

/** A command as it came over MQTT; without a sender where its broker does not tell who that is. */
interface Message {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retained: boolean
  readonly sender: Sender | undefined
}

/** The same over HTTP, from somebody who is known, and who gets the answer instead of the topic. */
interface Call extends Omit<Message, 'sender'> {
  readonly caller: Who
  readonly reply: (answer: Answer) => void
}

export type Arrival = Message | Call

export interface Senders {
  /** A user or program by name, as it is now. */
  user(name: string): User | undefined
  /** Whether the broker asks everybody who they are, and tells. Another one has its own rules about who may say what. */
  readonly areKnown: boolean
}

/** Whom it is from. */
type From = Pick<Message, 'sender'> | Pick<Call, 'caller'>

const maxOriginChars = 200

/** The same rule as over HTTP, by what the sender may do now. Refuses with `auth.refused` or `auth.forbidden`. */
export function permitSender({ user, areKnown }: Senders, arrival: From, target: CommandTopic): Result<true> {
  if ('caller' in arrival) return permitCommand(arrival.caller, target)
  const { sender } = arrival
  if (sender?.user === undefined) return areKnown ? refuse('auth.refused', 'nobody known has sent this') : accept(true)
  const known = user(sender.user)
  return known === undefined ? refuse('auth.refused', `there is no user ${sender.user}, or no longer`) : permitCommand(known, target)
}

export function originOf(arrival: From & Pick<Arrival, 'topic'>): Origin {
  const topic = arrival.topic.slice(0, maxOriginChars)
  if ('caller' in arrival) return { via: 'api', user: arrival.caller.name, from: arrival.caller.address, topic }
  const { user, address } = arrival.sender ?? {}
  return { via: 'mqtt', ...(user === undefined ? {} : { user }), ...(address === undefined ? {} : { from: address }), topic }
}

export function actorOf(arrival: From): Actor {
  if ('caller' in arrival) return { who: arrival.caller.name, via: 'http', from: arrival.caller.address }
  return { who: arrival.sender?.user ?? '', via: 'mqtt', from: arrival.sender?.address ?? '' }
}

/** What a command asked for, as far as its topic says it. */
export function deedOf(root: string, topic: string): Deed {
  const permit = parsePermitTopic(root, topic)
  if (permit !== undefined) return { action: 'permit', target: targetPath({ [permit.kind]: permit.name }) }
  const read = parseCommandTopic(root, topic)
  if (!read.ok) return { action: 'command', target: topic }
  const { kind, target, app, verb } = read.value
  return { action: verb === undefined ? 'command' : `command.${verb}`, target: targetPath({ [kind]: target, app: app ?? null }) }
}
