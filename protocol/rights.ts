// What people and programs may read, publish and command, by role and by what of the fleet their role is about: over MQTT and over HTTP. Pure.
import type { Scope, User } from './access.js'
import { answerWords, commandWords } from './command-topics.js'
import { parsePermitTopic } from './permit-topics.js'

/** To retain is more than to publish: what may be published and not retained is handed out and not kept. */
export type Action = 'publish' | 'retain' | 'will' | 'subscribe'

/** Channels of a device that tell how it is, besides its heartbeat. */
const telling = new Set(['status', 'reported', 'changes', 'usage'])

type Kinds = Readonly<Record<string, 'device' | 'group'>>
const plainKinds: Kinds = { device: 'device', group: 'group' }

/** A filter is literal where the scope decides; who has all of it may have any device or group there. */
export function mayUser(user: User, action: Action, { root, topic }: { readonly root: string; readonly topic: string }): boolean {
  const [word = '', ...rest] = below(root, topic)
  if (word === 'permit' && action !== 'subscribe') return mayPermit(user, root, topic)
  switch (action) {
    case 'publish':
      return mayPublish(user, word, rest)
    case 'retain':
      return word === 'data' && mayPublish(user, word, rest)
    case 'will':
      return false
    case 'subscribe':
      return mayRead(user, word, rest)
  }
}

/** Permits are published, retained, and left as wills, by whoever gives them. */
function mayPermit({ role, scope }: User, root: string, topic: string): boolean {
  const permit = parsePermitTopic(root, topic)
  if (permit === undefined || role === 'viewer') return false
  return includes(permit.kind === 'device' ? scope.devices : scope.groups, permit.name)
}

/** Of commands, whether the rest of the topic is one's is the manager's to say: it answers. */
function mayPublish({ role, scope }: User, word: string, rest: readonly string[]): boolean {
  if (role === 'viewer') return false
  if (word === 'data') return isNamed(rest) && covers(scope, plainKinds, rest)
  const kinds = own(commandWords, word)
  return kinds !== undefined && covers(scope, kinds, rest)
}

function mayRead({ role, scope }: User, word: string, rest: readonly string[]): boolean {
  if (word === 'device') return mayHear(scope, rest)
  if (word === 'h') return rest.length === 1 && rest[0] !== '#' && includes(scope.devices, rest[0] ?? '')
  if (word === 'state') return isOfManager(rest) || covers(scope, plainKinds, rest)
  if (word === 'data') return covers(scope, plainKinds, rest)
  if (word === 'permit') return rest.length === 2 && !rest.includes('#') && covers(scope, plainKinds, rest)
  const [about, ...further] = rest
  if (word === 'ack' && about === 'permit') return role !== 'viewer' && covers(scope, plainKinds, further)
  const kinds = own(answerWords, word)
  return role !== 'viewer' && kinds !== undefined && covers(scope, kinds, rest)
}

function mayHear(scope: Scope, [device = '', channel = '', ...rest]: readonly string[]): boolean {
  return rest.length === 0 && telling.has(channel) && includes(scope.devices, device)
}

function isOfManager([word, ...rest]: readonly string[]): boolean {
  return word === 'manager' && rest.length === 0
}

function isNamed([word = '', name = '']: readonly string[]): boolean {
  return own(plainKinds, word) !== undefined && name !== ''
}

/** Whether all that `KIND/NAME/…` can be is in the scope. */
function covers(scope: Scope, kinds: Kinds, [word = '', name = '']: readonly string[]): boolean {
  const kind = own(kinds, word)
  if (kind === 'device') return includes(scope.devices, name)
  if (kind === 'group') return includes(scope.groups, name)
  return scope.devices === 'all' && scope.groups === 'all'
}

/** A device may be called `+`: that is no leave to ask for every device. */
function includes(set: Scope['devices'], name: string): boolean {
  return set === 'all' || (set.has(name) && !/[+#]/.test(name))
}

function below(root: string, name: string): readonly string[] {
  return name.startsWith(`${root}/`) ? name.slice(root.length + 1).split('/') : []
}

function own<T>(words: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(words, word) ? words[word] : undefined
}
