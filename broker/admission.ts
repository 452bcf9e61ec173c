// Who a client is by what it shows and says at CONNECT, before any password is looked at. Pure.
import type { Access } from '../protocol/access.js'
import { isName } from '../protocol/names.js'
import { clientIdOf, deviceOfClientId, keyOfJoinClientId } from '../protocol/topics.js'
import type { Principal } from './auth.js'
import type { Shown } from './certificate.js'

/** Why somebody is not let in. */
export type RefusalReason =
  | 'certificate-missing'
  | 'certificate-foreign'
  | 'certificate-early'
  | 'certificate-revoked'
  | 'identity-mismatch'
  | 'identity-conflict'
  | 'login-missing'
  | 'login-refused'
  | 'login-busy'
  | 'join-rate'
  | 'id-refused'
  | 'sessions-full'
  | 'will-denied'

export interface Refusal {
  /** Return code of the CONNACK (MQTT 3.2.2.3): 5 for a certificate, 4 for a password, 2 for an id, 3 for what may succeed later. */
  readonly returnCode: 2 | 3 | 4 | 5
  readonly reason: RefusalReason
  readonly detail?: string
  /** Where the one is connected from who has what was asked for. */
  readonly holder?: string
}

export interface Greeting {
  /** From inside the process. */
  readonly trusted: boolean
  readonly secure: boolean
  readonly shown?: Shown | undefined
  readonly clientId: string
  readonly clean: boolean
  readonly username?: string | undefined
  readonly password?: Uint8Array | undefined
}

export type Introduction =
  | { readonly kind: 'known'; readonly principal: Principal }
  /** Known when the password has been looked at. */
  | { readonly kind: 'user'; readonly name: string; readonly password: string }
  | ({ readonly kind: 'refused' } & Refusal)

type Devices = Pick<Access, 'device' | 'leaving' | 'groupsOf'>

interface House<A extends Devices | undefined> {
  readonly root: string
  /** Without it everybody who reaches the broker may do everything, and a device is who it says it is. */
  readonly access: A
  /** Wall-clock ms. */
  readonly now: number
}

const longestClientId = 256
const longestNameBytes = 256
const userPrefix = 'user/'

export function introduce(greeting: Greeting, { root, access, now }: House<Devices | undefined>): Introduction {
  const { clientId, shown } = greeting
  // MQTT 3.1.3.1: without an id there is nothing that a session could be kept under.
  if (clientId === '' && !greeting.clean) return refused(2, 'id-refused')
  if (clientId.length > longestClientId || clientId.includes('\u0000')) return refused(2, 'id-refused')
  if (greeting.trusted) return known({ kind: 'manager', root })
  if (access === undefined) return known(believe(clientId, root))
  if (shown !== undefined) return introduceDevice(shown, clientId, { root, access, now })
  if (clientId.startsWith('dev-')) return refused(5, 'certificate-missing')
  if (greeting.username !== undefined && greeting.password !== undefined) return introduceUser(greeting)
  const key = keyOfJoinClientId(clientId)
  if (key === undefined || !greeting.secure || greeting.username !== undefined) return refused(5, 'login-missing')
  return greeting.clean ? known({ kind: 'joiner', key, root }) : refused(2, 'id-refused')
}

function introduceDevice({ name, key, genuine, from, until }: Shown, clientId: string, house: House<Devices>): Introduction {
  const { root, access, now } = house
  if (!genuine || !isName('device', name)) return refused(5, 'certificate-foreign')
  if (clientId !== clientIdOf(name)) return refused(5, 'identity-mismatch', `the certificate is that of ${name}`)
  // Dates that cannot be read are none that have come.
  if (!(now >= from)) return refused(5, 'certificate-early')
  const good = access.device(name, key)
  if (!good.ok && access.leaving(name, key)) return known({ kind: 'leaving', device: name, root })
  if (!good.ok) return refused(5, 'certificate-revoked', good.refusals[0].code)
  if (!(now <= until)) return known({ kind: 'lapsed', device: name, root })
  return known({ kind: 'device', device: name, root, groups: access.groupsOf(name) })
}

/** The ids of agents and of who wants to join are nobody else's. */
function introduceUser({ clientId, username = '', password = new Uint8Array() }: Greeting): Introduction {
  if (clientId.startsWith('join-')) return refused(2, 'id-refused')
  const tooLong = Buffer.byteLength(username) > longestNameBytes || password.length > longestNameBytes
  if (tooLong || username === '' || username.includes('\u0000')) return refused(4, 'login-refused')
  return { kind: 'user', name: username, password: Buffer.from(password).toString() }
}

function believe(clientId: string, root: string): Principal {
  const device = deviceOfClientId(clientId)
  return device === undefined ? { kind: 'operator', root } : { kind: 'device', device, root, groups: { has: () => true } }
}

function known(principal: Principal): Introduction {
  return { kind: 'known', principal }
}

function refused(returnCode: Refusal['returnCode'], reason: RefusalReason, detail?: string): Introduction {
  return { kind: 'refused', returnCode, reason, ...(detail === undefined ? {} : { detail }) }
}

/** Under what a client's session is kept: a user's ids are the user's own, whatever others call theirs. An empty one stays: there is no session then. */
export function sessionIdOf(introduction: Introduction, clientId: string): string {
  return introduction.kind === 'user' && clientId !== '' ? `${userPrefix}${encodeURIComponent(introduction.name)}/${clientId}` : clientId
}

/** Whether, at a broker that asks who comes, only a client inside the process can have had this id and left a will. */
export function isInProcess(id: string): boolean {
  return !id.startsWith(userPrefix) && deviceOfClientId(id) === undefined
}

/** The user whose session it is; undefined if it is no user's. */
export function userOfSessionId(id: string): string | undefined {
  const [, name] = /^user\/([^/]+)\//.exec(id) ?? []
  try {
    return name === undefined ? undefined : decodeURIComponent(name)
  } catch {
    return undefined
  }
}
