// What people and programs may read and command over MQTT, by role and by what of the fleet their role is about.
import type { Scope, User } from '../protocol/access.js'
import { answerWords, commandWords } from '../protocol/command-topics.js'
import { parsePermitTopic } from '../protocol/permit-topics.js'

/** Channels of a device that tell how it is. */
const telling = new Set(['status', 'heartbeat', 'reported'])

type Kinds = Readonly<Record<string, 'device' | 'group'>>
const plainKinds: Kinds = { device: 'device', group: 'group' }

/** Commands and permits to what the scope covers. Whether the rest of the topic is a command's is the manager's to say: it answers. */
export function mayPublishAs({ role, scope }: User, root: string, topic: string): boolean {
  const [word = '', ...rest] = below(root, topic)
  const kinds = own(commandWords, word)
  if (word === 'permit') return mayKeepAs({ role, scope }, root, topic)
  return role !== 'viewer' && kinds !== undefined && covers(scope, kinds, rest)
}

/** Permits are retained, and left as wills, by whoever gives them. */
export function mayKeepAs({ role, scope }: Pick<User, 'role' | 'scope'>, root: string, topic: string): boolean {
  const permit = parsePermitTopic(root, topic)
  if (permit === undefined || role === 'viewer') return false
  return includes(permit.kind === 'device' ? scope.devices : scope.groups, permit.name)
}

/** A filter is literal where the scope decides; who has all of it may have any device or group there. */
export function maySubscribeAs({ role, scope }: User, root: string, filter: string): boolean {
  const [word = '', ...rest] = below(root, filter)
  if (word === 'device') return mayHear(scope, rest)
  if (word === 'state') return isOfManager(rest) || covers(scope, plainKinds, rest)
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
  return word === 'manager' && (rest.length === 0 || (rest.length === 1 && rest[0] === 'json'))
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
