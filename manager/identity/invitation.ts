// An invitation: a join token with the one line that brings a device into the fleet.
import { networkInterfaces } from 'node:os'
import { SkerryError } from '../../protocol/errors.js'
import { formatJoinToken } from '../../protocol/join-token.js'
import { joinUrlOf, type Reach } from '../core/join-url.js'
import type { Fleet } from '../fleet.js'
import type { TokenRow } from '../store/tokens.js'
import { addressesOf } from './names.js'
import { makeToken, type TokenWish } from './tokens.js'

/** What an invitation tells besides its secret. */
export interface Host {
  /** SHA-256 of the CA's certificate that the broker shows, base64url. */
  readonly ca: string
  readonly reach: Reach
}

export interface Invitation {
  readonly row: TokenRow
  /** The secret is in there, and told this once. */
  readonly token: string
  /** Null if the server does not know where its broker is reached. */
  readonly url: string | null
  /** To be pasted on the device. */
  readonly command: string
  readonly note: string | null
}

/** `asked` is the host by which whoever asks has reached this server. Throws `identity.missing` or `group.unknown`. */
export function invite(fleet: Fleet, host: Host | undefined, wish: TokenWish, asked?: string): Invitation {
  if (host === undefined) throw new SkerryError('identity.missing', 'this server has no certificates of its own, so no device can join')
  const { row, secret } = makeToken(fleet, wish)
  const token = formatJoinToken({ secret, ca: host.ca })
  const place = joinUrlOf(host.reach, { asked, addresses: addressesOf(networkInterfaces()) })
  const command = `skerry agent join ${place?.url ?? 'URL'} ${token}`
  return { row, token, url: place?.url ?? null, command, note: place?.note ?? null }
}
