// What users do with join tokens: make them, and take them back before they end.
import { createHash, randomBytes } from 'node:crypto'
import { SkerryError } from '../../protocol/errors.js'
import { newEvent } from '../core/events.js'
import type { Fleet } from '../fleet.js'
import { findGroup } from '../groups.js'
import { deleteToken, deleteTokensBefore, insertToken, readToken, type TokenRow } from '../store/tokens.js'

export interface TokenWish {
  /** What it is for, in words. */
  readonly name?: string
  readonly groups?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  /** How many devices may join with it. */
  readonly uses?: number
  readonly lifeMs?: number
}

export interface NewToken {
  readonly row: TokenRow
  /** Told once, kept nowhere. */
  readonly secret: Buffer
}

const dayMs = 86_400_000
/** Tokens that have ended are shown so long, and their devices told so. */
const shownMs = 30 * dayMs

/** Throws `group.unknown`. */
export function makeToken(fleet: Fleet, wish: TokenWish): NewToken {
  const { db, clock, journal } = fleet
  const groups = [...new Set(wish.groups ?? [])].map(name => findGroup(fleet, name).name)
  const secret = randomBytes(16)
  const now = clock.now()
  const { name = '', labels = {}, uses = 1, lifeMs = dayMs } = wish
  const row: TokenRow = { id: randomBytes(4).toString('hex'), name, groups, labels, uses, used: 0, createdAt: now, expiresAt: now + lifeMs }
  journal.change(note => {
    deleteTokensBefore(db, now - shownMs)
    insertToken(db, row, hashOf(secret))
    const data = { token: row.id, name, groups, labels, uses, expiresAt: new Date(row.expiresAt).toISOString() }
    note(newEvent('token.created', `join token ${row.id} was made`, { data }))
  })
  return { row, secret }
}

/** Throws `token.unknown`. What joined with it stays. */
export function dropToken({ db, journal }: Fleet, id: string): TokenRow {
  const row = readToken(db, id)
  if (row === undefined) throw new SkerryError('token.unknown', `there is no join token ${JSON.stringify(id.slice(0, 40))}`)
  journal.change(note => {
    deleteToken(db, id)
    note(newEvent('token.deleted', `join token ${id} was deleted`, { data: { token: id, name: row.name } }))
  })
  return row
}

/** What the database keeps of a secret. 128 random bits need no slow hash. */
export function hashOf(secret: Uint8Array): string {
  return createHash('sha256').update(secret).digest('hex')
}
