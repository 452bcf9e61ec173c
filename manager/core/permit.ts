// Who does something, and whether they may: one rule for HTTP, for commands over MQTT, and for what lists show. Pure.
import type { Role, User } from '../../protocol/access.js'
import { roles } from '../../protocol/access.js'
import type { CommandTopic } from '../../protocol/command-topics.js'
import { accept, type Result, refuse } from '../../protocol/errors.js'
import { type Action, mayUser } from '../../protocol/rights.js'
import type { Event } from './events.js'
import type { App, Device, Target } from './model.js'

/** Somebody who does something, with how they were known: by name and password, or by one of three kinds of token. */
export interface Who extends User {
  /** `local`: this machine's own token; `config`: the one of the settings. */
  readonly kind: 'user' | 'token' | 'local' | 'config'
  readonly address: string
}

/** What something needs: at least a role, and what of the fleet it is about. */
export interface Need {
  readonly role: Role
  /** `self`: nothing of the fleet; `list`: whatever is in scope is shown; `fleet`: the fleet as a whole. */
  readonly about: 'self' | 'list' | 'fleet' | Target
}

/** Refuses with `auth.forbidden`. What is not there is refused as what is out of scope: a scope tells nothing of the rest. */
export function permit(user: User, { role, about }: Need): Result<true> {
  if (roles.indexOf(user.role) < roles.indexOf(role)) {
    return refuse(
      'auth.forbidden',
      `${user.name} has the role ${user.role}: this needs ${role === 'admin' ? 'an admin' : `the role ${role}`}`,
    )
  }
  if (about === 'self' || about === 'list') return accept(true)
  if (about === 'fleet') {
    const { groups, devices } = user.scope
    if (groups === 'all' && devices === 'all') return accept(true)
    return refuse('auth.forbidden', `${user.name} may do this for some groups only: it is about the whole fleet`)
  }
  const known = about.kind === 'device' ? user.scope.devices : user.scope.groups
  if (known === 'all' || known.has(about.name)) return accept(true)
  return refuse('auth.forbidden', `${about.kind} ${JSON.stringify(about.name.slice(0, 64))} is not in the scope of ${user.name}`)
}

/** The same for a command over MQTT. */
export function permitCommand(user: User, { kind, target }: CommandTopic): Result<true> {
  return permit(user, { role: 'operator', about: { kind, name: target } })
}

/** What somebody may say and hear over MQTT, by the broker's own rules. Refuses with `auth.forbidden`. */
export function permitTopic(user: User, action: Action, where: { readonly root: string; readonly topic: string }): Result<true> {
  if (mayUser(user, action, where)) return accept(true)
  const what = action === 'subscribe' ? 'read' : action === 'publish' ? 'publish to' : `${action} on`
  return refuse('auth.forbidden', `${user.name} may not ${what} ${JSON.stringify(where.topic.slice(0, 100))}`)
}

export function isShown(user: User, about: Target): boolean {
  return permit(user, { role: 'viewer', about }).ok
}

export function isAppShown(user: User, { target }: App): boolean {
  return isShown(user, target)
}

export function isDeviceShown(user: User, { id }: Pick<Device, 'id'>): boolean {
  return isShown(user, { kind: 'device', name: id })
}

/** Events about nothing in particular are about the fleet; those about its users and about who joins are an admin's. */
export function isEventShown(user: User, { type, device, group }: Pick<Event, 'type' | 'device' | 'group'>): boolean {
  if (/^(user|access-token|login|token|join)\./.test(type)) return permit(user, { role: 'admin', about: 'fleet' }).ok
  if (device === null && group === null) return permit(user, { role: 'viewer', about: 'fleet' }).ok
  return (
    (device !== null && isShown(user, { kind: 'device', name: device })) ||
    (group !== null && isShown(user, { kind: 'group', name: group }))
  )
}
