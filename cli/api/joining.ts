// What the HTTP API answers about joining the fleet.

import type { Facts } from '../../protocol/messages/status.js'

export interface JoinToken {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly uses: number
  readonly used: number
  readonly createdAt: string
  readonly expiresAt: string
}

export interface Invitation extends JoinToken {
  readonly token: string
  readonly url: string | null
  /** The line to paste on a device. */
  readonly command: string
  readonly note: string | null
}

/** A device that asked to join without a token. */
export interface Pending {
  readonly key: string
  readonly device: string
  readonly state: 'pending' | 'rejected'
  readonly facts: Facts
  readonly firstAt: string
  readonly lastAt: string
}
