// Who sends commands over MQTT: whether they may, and how the history and the audit trail name them.
import type { User } from '../protocol/access.js'
import { type CommandTopic, parseCommandTopic, type Sender } from '../protocol/command-topics.js'
import { accept, type Result, refuse } from '../protocol/errors.js'
import { parsePermitTopic } from '../protocol/permit-topics.js'
import { type Actor, type Deed, targetPath } from './core/audit.js'
import { permitCommand } from './core/permit.js'
import type { Origin } from './store/apps.js'

/** A command as it came; without a sender where its broker does not tell who that is. */
export interface Arrival {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retained: boolean
  readonly sender: Sender | undefined
}

export interface Senders {
  /** A user or program by name, as it is now. */
  user(name: string): User | undefined
  /** Whether the broker asks everybody who they are, and tells. Another one has its own rules about who may say what. */
  readonly areKnown: boolean
}

const maxOriginChars = 200

/** The same rule as over HTTP, by what the sender may do now. Refuses with `auth.refused` or `auth.forbidden`. */
export function permitSender({ user, areKnown }: Senders, { sender }: Pick<Arrival, 'sender'>, target: CommandTopic): Result<true> {
  if (sender?.user === undefined) return areKnown ? refuse('auth.refused', 'nobody known has sent this') : accept(true)
  const known = user(sender.user)
  return known === undefined ? refuse('auth.refused', `there is no user ${sender.user}, or no longer`) : permitCommand(known, target)
}

export function originOf({ topic, sender }: Pick<Arrival, 'topic' | 'sender'>): Origin {
  const { user, address } = sender ?? {}
  return {
    via: 'mqtt',
    ...(user === undefined ? {} : { user }),
    ...(address === undefined ? {} : { from: address }),
    topic: topic.slice(0, maxOriginChars),
  }
}

export function actorOf({ sender }: Pick<Arrival, 'sender'>): Actor {
  return { who: sender?.user ?? '', via: 'mqtt', from: sender?.address ?? '' }
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
