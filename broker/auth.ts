// Who a client is and what it may do. Pure and synchronous: an answer that came later would reorder a client's messages.
import { deviceChannels, deviceOfClientId, exchanges, parseTopic, requestsTo, type Topic } from '../protocol/topics.js'

type DeviceTopic = Extract<Topic, { readonly device: string }>

export type Principal =
  | { readonly kind: 'manager' }
  /** A person or a program that was let in. */
  | { readonly kind: 'operator' }
  /** A device's agent, below the topic root that its rules are about. */
  | { readonly kind: 'device'; readonly device: string; readonly root: string }

export type Action = 'publish' | 'will' | 'subscribe'

/** `trusted` is a connection made inside the process. */
export function identify(clientId: string, root: string, trusted: boolean): Principal {
  if (trusted) return { kind: 'manager' }
  const device = deviceOfClientId(clientId)
  return device === undefined ? { kind: 'operator' } : { kind: 'device', device, root }
}

/** Whether the principal may publish to this topic name, leave a will for it, or subscribe to this filter. Whatever is not allowed is denied. */
export function may(principal: Principal, action: Action, topic: string): boolean {
  if (topic === '' || topic.startsWith('$') || topic.includes('\u0000')) return false
  switch (principal.kind) {
    case 'manager':
    case 'operator':
      return true
    case 'device':
      return deviceMay(principal.device, principal.root, action, topic)
  }
}

function deviceMay(device: string, root: string, action: Action, name: string): boolean {
  const topic = parseTopic(root, name)
  if (topic === undefined) return action === 'subscribe' && (name === `${root}/spec/+` || name === requestsTo(root, device))
  const own = 'device' in topic && topic.device === device
  switch (action) {
    case 'publish':
      return own && isAgents(topic)
    case 'will':
      return own && topic.kind === 'device' && topic.channel === 'status'
    case 'subscribe':
      return 'device' in topic ? own && !isAgents(topic) : topic.kind !== 'join'
  }
}

/** Whether a device's agent writes there, and the manager reads. */
function isAgents(topic: DeviceTopic): boolean {
  return (topic.kind === 'device' ? deviceChannels[topic.channel] : exchanges[topic.kind]) === 'agent'
}
