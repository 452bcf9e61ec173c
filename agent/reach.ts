// Where the broker is, what is trusted there, and what the device shows of itself.
import type { LookupFunction } from 'node:net'
import { SkerryError } from '../protocol/errors.js'
import { isSecure } from './dial.js'
import type { Credentials } from './identity/identity.js'

export interface BrokerAddress {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Authorities to trust instead of the system's, PEM. */
  readonly ca?: string | Buffer | undefined
  /** The device's certificate and key, PEM. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly memory?: ServerMemory | undefined
}

/** What is known of the server from earlier connections. */
export interface ServerMemory {
  readonly lookup: LookupFunction
  /** A time that has certainly come, ms since 1970: what ended before it is not believed. */
  floorMs(): number
  /** A session stands. */
  note(server: SeenServer): void
}

/** Under this name, at this address, with a certificate that began then (ms since 1970). */
export interface SeenServer {
  readonly host: string
  readonly address: string | undefined
  readonly notBeforeMs: number | undefined
}

/** Throws `config.invalid`. */
export function checkAddress(url: string): void {
  const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: '' }
  if (['mqtt:', 'mqtts:', 'ws:', 'wss:', 'tcp:', 'ssl:'].includes(protocol)) return
  throw new SkerryError('config.invalid', `${url} is no address of a broker: give an mqtts://, wss://, mqtt:// or ws:// URL`)
}

/** At a broker of somebody's own, its authority and user name win over the fleet's; without TLS there is nobody to show a certificate to. */
export function withIdentity(broker: BrokerAddress, credentials: Credentials | undefined): BrokerAddress {
  if (credentials === undefined || !isSecure(broker.url)) return broker
  return { ...credentials, ...broker, ca: broker.ca ?? credentials.ca, username: broker.username ?? credentials.username }
}
