// The audit trail's rows and its head. Triggers in the database refuse to change or delete a row, or to set the head back.
import type { AuditEntry, AuditHead, AuditOutcome, AuditRow, AuditVia } from '../core/audit.js'
import type { Db } from './db.js'

export interface SealedHead extends AuditHead {
  readonly seal: Uint8Array
}

/** Adds a row, and makes it the head. Call it in one transaction with {@link readHead}. */
export function insertAuditRow(db: Db, row: AuditRow, seal: Uint8Array): void {
  const { number, at, who, via, from, action, target, outcome, code, count, detail, hash } = row
  db.runSql(
    `insert into audit (number, at, who, via, source, action, target, outcome, code, count, detail, hash)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [number, at, who, via, from, action, target, outcome, code, count, detail, hash],
  )
  db.runSql(
    `insert into audit_head (id, number, hash, seal) values (1, ?, ?, ?)
     on conflict (id) do update set number = excluded.number, hash = excluded.hash, seal = excluded.seal`,
    [number, hash, seal],
  )
}

export interface FoundHead extends SealedHead {
  /** The highest number of any row, whatever the head says. */
  readonly last: number
}

export function readHead(db: Db): FoundHead | undefined {
  const row = db.firstSql<FoundHead>('select number, hash, seal, (select coalesce(max(number), 0) from audit) as last from audit_head', [])
  return row && { ...row, hash: new Uint8Array(row.hash), seal: new Uint8Array(row.seal) }
}

/** For a trail without a head; 0 if it has no rows. */
export function readLast(db: Db): number {
  return db.firstSql<{ last: number }>('select coalesce(max(number), 0) as last from audit', [])?.last ?? 0
}

export interface AuditFilter {
  readonly who?: string | undefined
  readonly action?: string | undefined
  /** The target itself, and what is below it. */
  readonly target?: string | undefined
  readonly outcome?: AuditOutcome | undefined
  readonly code?: string | undefined
  /** Wall clock, ms. */
  readonly since?: number | undefined
}

export interface AuditPage {
  /** Only rows after this number, oldest first; without it the newest ones. */
  readonly after?: number | undefined
  /** Only rows before this number; with `after` between the two. */
  readonly before?: number | undefined
  readonly limit: number
}

/** Always oldest first. */
export function readAudit(db: Db, filter: AuditFilter, { after, before, limit }: AuditPage): AuditRow[] {
  let query = db.build.selectFrom('audit').selectAll().limit(limit)
  if (filter.who !== undefined) query = query.where('who', '=', filter.who)
  if (filter.action !== undefined) query = query.where('action', '=', filter.action)
  if (filter.outcome !== undefined) query = query.where('outcome', '=', filter.outcome)
  if (filter.code !== undefined) query = query.where('code', '=', filter.code)
  if (filter.since !== undefined) query = query.where('at', '>=', filter.since)
  const { target } = filter
  if (target !== undefined)
    query = query.where(({ eb, or }) =>
      or([eb('target', '=', target), eb(eb.fn('substr', ['target', eb.val(1), eb.val(target.length + 1)]), '=', `${target}/`)]),
    )
  if (before !== undefined) query = query.where('number', '<', before)
  if (after !== undefined) return db.all(query.where('number', '>', after).orderBy('number')).map(toRow)
  return db.all(query.orderBy('number', 'desc')).map(toRow).reverse()
}

interface AuditColumns {
  readonly number: number
  readonly at: number
  readonly who: string
  readonly via: string
  readonly source: string
  readonly action: string
  readonly target: string
  readonly outcome: string
  readonly code: string | null
  readonly count: number
  readonly detail: string
  readonly hash: Uint8Array
}

function toRow({ source, hash, via, outcome, ...row }: AuditColumns): AuditRow {
  const entry: AuditEntry = { ...row, from: source, via: via as AuditVia, outcome: outcome as AuditOutcome }
  return { ...entry, number: row.number, hash: new Uint8Array(hash) }
}
