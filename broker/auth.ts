// Who a client is and what it may do. Pure and synchronous: an answer that came later would reorder a client's messages.
import type { Groups, User } from '../protocol/access.js'
import { isSenderTopic } from '../protocol/command-topics.js'
import { type PermitTopic, parsePermitTopic } from '../protocol/permit-topics.js'
import { type Action, mayUser } from '../protocol/rights.js'
import { deviceChannels, exchanges, joinChannels, parseTopic, requestsTo, type Topic } from '../protocol/topics.js'

/** Each below the topic root that its rules are about. */
export type Principal = { readonly root: string } & (
  | { readonly kind: 'manager' }
  /** Whoever comes to a broker that asks nobody who he is. */
  | { readonly kind: 'operator' }
  | { readonly kind: 'device'; readonly device: string; readonly groups: Groups }
  /** A device whose certificate has ended. */
  | { readonly kind: 'lapsed'; readonly device: string }
  /** A device that was released and is to hear so. */
  | { readonly kind: 'leaving'; readonly device: string }
  /** A device that has a key and no certificate yet. */
  | { readonly kind: 'joiner'; readonly key: string }
  | { readonly kind: 'user'; readonly user: User }
)

/** What of its own a device's agent leaves with the broker. */
const kept = new Set(['status', 'reported'])

/** What its certificate is asked for and given on. */
const identityChannels = new Set(['renewal', 'certificate'])
const none: Groups = new Set()

/** Whether the principal may publish to this topic name, retain there, leave a will for it, or subscribe to this filter. Whatever is not allowed is denied. */
export function may(principal: Principal, action: Action, topic: string): boolean {
  if (topic === '' || topic.startsWith('$') || topic.includes('\u0000') || isSenderTopic(principal.root, topic)) return false
  switch (principal.kind) {
    case 'manager':
    case 'operator':
      return true
    case 'device':
      return deviceMay(principal, action, topic)
    case 'lapsed':
      return lapsedMay(principal.device, action, parseTopic(principal.root, topic))
    case 'leaving':
      return leavingMay(principal, action, topic)
    case 'joiner':
      return joinerMay(principal.key, action, parseTopic(principal.root, topic))
    case 'user':
      return mayUser(principal.user, action, { root: principal.root, topic })
  }
}

function deviceMay({ device, groups, root }: Principal & { kind: 'device' }, action: Action, name: string): boolean {
  const topic = parseTopic(root, name)
  if (topic === undefined) {
    const permit = parsePermitTopic(root, name)
    const reads = permit === undefined ? name === requestsTo(root, device) : isUnder(permit, device, groups)
    return action === 'subscribe' && reads
  }
  switch (topic.kind) {
    case 'device':
      return topic.device === device && agentMay(action, deviceChannels[topic.channel], topic.channel)
    case 'request':
    case 'response':
      return topic.device === device && agentMay(action, exchanges[topic.kind], topic.kind)
    case 'group':
      return action === 'subscribe' && groups.has(topic.group)
    // Its name is a digest that nobody guesses: who knows it was told it.
    case 'spec':
    case 'fleet':
      return action === 'subscribe'
    case 'join':
      return false
  }
}

function isUnder({ kind, name }: PermitTopic, device: string, groups: Groups): boolean {
  return kind === 'device' ? name === device : groups.has(name)
}

/** On a topic of its own that `writer` writes. */
function agentMay(action: Action, writer: 'agent' | 'manager', channel: string): boolean {
  switch (action) {
    case 'publish':
      return writer === 'agent'
    case 'retain':
      return kept.has(channel)
    case 'will':
      return channel === 'status'
    case 'subscribe':
      return writer === 'manager'
  }
}

function lapsedMay(device: string, action: Action, topic: Topic | undefined): boolean {
  if (topic?.kind !== 'device' || topic.device !== device) return false
  return (action === 'publish' && topic.channel === 'renewal') || (action === 'subscribe' && topic.channel === 'certificate')
}

/** As a device, with nothing of others and no certificate. */
function leavingMay({ device, root }: Principal & { kind: 'leaving' }, action: Action, name: string): boolean {
  const topic = parseTopic(root, name)
  if (topic?.kind === 'spec' || (topic?.kind === 'device' && identityChannels.has(topic.channel))) return false
  return deviceMay({ kind: 'device', device, root, groups: none }, action, name)
}

function joinerMay(key: string, action: Action, topic: Topic | undefined): boolean {
  if (topic?.kind !== 'join' || topic.key !== key) return false
  return action === (joinChannels[topic.channel] === 'agent' ? 'publish' : 'subscribe')
}
