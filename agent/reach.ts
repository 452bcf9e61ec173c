// Where the broker is, what is trusted there, and what the device shows of itself.
import { SkerryError } from '../protocol/errors.js'
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
}

/** Throws `config.invalid`. */
export function checkAddress(url: string): void {
  const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: '' }
  if (['mqtt:', 'mqtts:', 'ws:', 'wss:', 'tcp:', 'ssl:'].includes(protocol)) return
  throw new SkerryError('config.invalid', `${url} is no address of a broker: give an mqtts://, wss://, mqtt:// or ws:// URL`)
}

/** At a broker of somebody's own, its authority and user name win over the fleet's; without TLS there is nobody to show a certificate to. */
export function withIdentity(broker: BrokerAddress, credentials: Credentials | undefined): BrokerAddress {
  if (credentials === undefined || !/^(mqtts|wss|ssl):/.test(broker.url)) return broker
  return { ...credentials, ...broker, ca: broker.ca ?? credentials.ca, username: broker.username ?? credentials.username }
}

/** What of the address a client of MQTT is given besides the URL: only what there is. */
export function connectionOptions({ username, password, ca, cert, key }: BrokerAddress): Omit<Given<BrokerAddress>, 'url'> {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

type Given<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> }
