// What the audit trail says: who did what to what, from where, and how it ended. Pure.
import type { NewEvent } from './events.js'

export const auditVias = ['http', 'mqtt', 'broker', 'manager'] as const
export type AuditVia = (typeof auditVias)[number]

/** Who acts, by which way and from which address. An empty name is nobody that is known. */
export interface Actor {
  readonly who: string
  readonly via: AuditVia
  readonly from: string
}

/** What is done, and to what: `groups/line-1/apps/web`. Never a secret or a body. */
export interface Deed {
  readonly action: string
  readonly target: string
  readonly detail?: string
}

/** `failed`: let through, but something broke. */
export const auditOutcomes = ['done', 'refused', 'failed'] as const
export type AuditOutcome = (typeof auditOutcomes)[number]

export interface AuditEntry extends Actor, Required<Deed> {
  /** Wall clock, ms. */
  readonly at: number
  readonly outcome: AuditOutcome
  /** Why it was refused, or has failed. */
  readonly code: string | null
  /** How often: repeats of a refusal share a row. */
  readonly count: number
}

export interface AuditRow extends AuditEntry {
  /** Counted from 1, with no gap. */
  readonly number: number
  /** SHA-256 over the hash before and this row. */
  readonly hash: Uint8Array
}

export interface AuditHead {
  readonly number: number
  readonly hash: Uint8Array
}

/** A head as people keep it: `1234:` and the hash in base64url. */
export function formatHead({ number, hash }: AuditHead): string {
  return `${number}:${Buffer.from(hash).toString('base64url')}`
}

/** Undefined if it is none. */
export function parseHead(text: string): AuditHead | undefined {
  const [, number, hash] = /^(\d{1,15}):([\w-]{43})$/.exec(text) ?? []
  return number === undefined || hash === undefined ? undefined : { number: Number(number), hash: Buffer.from(hash, 'base64url') }
}

/** What the first row follows. */
export const noHead: AuditHead = { number: 0, hash: new Uint8Array(32) }

const maxChars = { who: 128, from: 128, action: 80, target: 300, detail: 300 } as const

/** As it is kept: bounded, and free of what a terminal or the database would change. */
export function trimEntry(entry: AuditEntry): AuditEntry {
  const { who, from, action, target, detail } = maxChars
  return {
    ...entry,
    who: plain(entry.who, who),
    from: plain(entry.from, from),
    action: plain(entry.action, action),
    target: plain(entry.target, target),
    detail: plain(entry.detail, detail),
  }
}

function plain(text: string, limit: number): string {
  return text
    .slice(0, limit)
    .replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
    .replace(/\p{Surrogate}/gu, '\ufffd')
}

/** What a change was, by the event that tells of it. */
export function deedOf({ type, device, group, app, message, data }: NewEvent): Deed {
  const place = targetPath({ group, device, app })
  return { action: type, target: place === '' ? subjectPath(type, data) : place, detail: message }
}

/** What is no part of the fleet itself, by what its event says of it. */
function subjectPath(type: string, { user, token, key }: NewEvent['data']): string {
  if (type.startsWith('user.') && typeof user === 'string') return `users/${user}`
  if (type.startsWith('access-token.') && typeof token === 'string') return `access-tokens/${token}`
  if (type.startsWith('token.') && typeof token === 'string') return `tokens/${token}`
  return type.startsWith('join.') && typeof key === 'string' ? `pending/${key}` : ''
}

/** `groups/line-1/devices/press-7`, as in the API's paths. */
export function targetPath({ group, device, app }: Partial<Record<'group' | 'device' | 'app', string | null>>): string {
  const parts = [group && `groups/${group}`, device && `devices/${device}`, app && `apps/${app}`]
  return parts.filter(part => typeof part === 'string' && part !== '').join('/')
}
