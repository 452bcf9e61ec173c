// The access rule of each route, and the hook that holds everybody to it: a route without a rule cannot be registered.
import type { FastifyRequest } from 'fastify'
import { SkerryError, unwrap } from '../../protocol/errors.js'
import type { Bridge } from '../bridge/bridge.js'
import type { Target } from '../core/model.js'
import { type Need, permit, type Who } from '../core/permit.js'
import type { Caller } from '../users/door.js'
import type { Api } from './server.js'

/** For everybody, or for a role and what the path names: a device, a group, or a topic about one. */
export type RouteAccess = 'open' | { readonly role: Need['role']; readonly about: 'self' | 'list' | 'fleet' | 'topic' | Target['kind'] }

type RoleAccess = Exclude<RouteAccess, string>
type About = RoleAccess['about']

/** What can be told from the path's names alone. */
interface Rule {
  readonly role: RoleAccess['role']
  readonly about: Exclude<About, 'topic'>
}

/** For a route's `config`. */
export const open = { access: 'open' } as const
export const viewer = (about: About) => ({ access: { role: 'viewer', about } }) as const
export const operator = (about: About) => ({ access: { role: 'operator', about } }) as const
export const admin = (about: About) => ({ access: { role: 'admin', about } }) as const

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess
  }
  interface FastifyRequest {
    /** Who asks; undefined until they are known, and on routes that are open. */
    who: Who | undefined
    caller: Caller | undefined
    /** The whole name of the topic that the path names, on routes about one. */
    topic: string
  }
}

/** Finds out who asks; throws `auth.refused`. */
export type Identify = (request: FastifyRequest) => Caller

/** Before the body is read: who asks, and whether they may. Paths that are no route need somebody who is known, too. */
export function guardRoutes(api: Api, identify: Identify, bridge: Pick<Bridge, 'permit'>): void {
  api.decorateRequest('who', undefined)
  api.decorateRequest('caller', undefined)
  api.decorateRequest('topic', '')
  api.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access === undefined) throw new Error(`the route ${method} ${url} has no access rule`)
  })
  api.addHook('onRequest', async request => {
    const { access } = request.routeOptions.config
    if (access === 'open') return
    const caller = identify(request)
    request.caller = caller
    request.who = caller.who
    if (access === undefined) return
    const { role, about } = access
    if (about === 'topic') request.topic = checkTopic(caller.who, request, bridge)
    else checkAccess(caller.who, { role, about }, request)
  })
}

/** Who asks, on a route that is not open. */
export function whoOf({ who }: FastifyRequest): Who {
  if (who === undefined) throw new Error('an open route asked who is there')
  return who
}

export function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === undefined) throw new Error('an open route asked who is there')
  return caller
}

/** By the rules that hold at the broker. */
function checkTopic(who: Who, { method, params }: FastifyRequest, bridge: Pick<Bridge, 'permit'>): string {
  const action = method === 'GET' || method === 'HEAD' ? 'subscribe' : 'publish'
  return unwrap(bridge.permit(who, action, (params as Readonly<Record<string, string>>)['*'] ?? ''))
}

function checkAccess(who: Who, { role, about }: Rule, request: FastifyRequest): void {
  const params = request.params as Readonly<Record<string, string>>
  const named = typeof about === 'string' && (about === 'device' || about === 'group')
  const name = params[about] ?? params.target ?? ''
  unwrap(permit(who, { role, about: named ? { kind: about, name } : about }))
  for (const target of namedInQuery(request.query)) unwrap(permit(who, { role, about: target }))
}

/** Devices and groups that a query filters by. */
function namedInQuery(query: unknown): Target[] {
  const { device, group } = query as Readonly<Record<string, unknown>>
  return [
    ...[device].flat().flatMap(name => (typeof name === 'string' ? [{ kind: 'device', name } as const] : [])),
    ...[group].flat().flatMap(name => (typeof name === 'string' ? [{ kind: 'group', name } as const] : [])),
  ]
}

/** Throws `auth.forbidden` unless all devices that a body names are in scope. */
export function checkDevices(who: Who, names: readonly string[]): void {
  const refused = names.map(name => permit(who, { role: 'viewer', about: { kind: 'device', name } }))
  const first = refused.find(result => !result.ok)
  if (first?.ok === false) throw new SkerryError(first.refusals[0].code, first.refusals[0].message)
}
