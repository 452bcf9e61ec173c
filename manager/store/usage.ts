// Bytes of devices' connections, by device, day and purpose; and what each device has told of them.
import { type Flow, mapTraffic, type Purpose, purposes, type Traffic } from '../../protocol/messages/usage.js'
import type { Told } from '../core/usage.js'
import type { Db } from './db.js'
import type { UsageDayTable } from './schema.js'

const columns = purposes.flatMap(purpose => [`${purpose}_sent`, `${purpose}_received`] as const)
/** More than a device can have sent or received in a day, for one purpose: a terabyte. Whatever devices tell, all sums of all days that are kept are exact. */
const mostOfDay = 2 ** 40
const addSql = `insert into usage_days (device, day, ${columns.join(', ')}) values (?, ?, ${columns.map(() => '?').join(', ')})
  on conflict (device, day) do update set ${columns.map(column => `${column} = ${boundSql(`${column} + excluded.${column}`)}`).join(', ')}`
const totalSql = columns.join(' + ')

export interface DayRow {
  /** Or month. */
  readonly day: string
  readonly traffic: Traffic
}

export interface Counted {
  readonly device: string
  readonly told: Told
  /** How many times more rarely its telemetry comes. */
  readonly slow: number
}

export function readCounts(db: Db): Counted[] {
  return db.all(db.build.selectFrom('usage_counts').selectAll()).map(({ device, count, traffic, slow }) => ({
    device,
    told: { count, traffic: JSON.parse(traffic) as Traffic },
    slow,
  }))
}

export function saveTold(db: Db, device: string, { count, traffic }: Told): void {
  db.runSql(
    `insert into usage_counts (device, count, traffic, slow) values (?, ?, ?, 1)
     on conflict (device) do update set count = excluded.count, traffic = excluded.traffic`,
    [device, count, JSON.stringify(traffic)],
  )
}

export function saveSlow(db: Db, device: string, slow: number): void {
  db.runSql('update usage_counts set slow = ? where device = ?', [slow, device])
}

/** Null where telemetry is not slowed down. */
export function readSlow(db: Db, device: string): number | null {
  const row = db.firstSql<{ slow: number }>('select slow from usage_counts where device = ? and slow > 1', [device])
  return row?.slow ?? null
}

export function addToDay(db: Db, device: string, { day, traffic }: DayRow): void {
  const flows = purposes.flatMap(purpose => [traffic[purpose].sent, traffic[purpose].received]).map(bound)
  db.runSql(addSql, [device, day, ...flows])
}

/** Total bytes of each device in a month. */
export function readTotals(db: Db, month: string): Map<string, number> {
  const rows = db.allSql<{ device: string; bytes: number }>(
    `select device, sum(${totalSql}) as bytes from usage_days where day between ? and ? group by device`,
    spanOf(month),
  )
  return new Map(rows.map(({ device, bytes }) => [device, bytes]))
}

export function readTotal(db: Db, device: string, month: string): number {
  const sql = `select sum(${totalSql}) as bytes from usage_days where device = ? and day between ? and ?`
  return db.firstSql<{ bytes: number | null }>(sql, [device, ...spanOf(month)])?.bytes ?? 0
}

/** The newest first, up to `today`: a clock that was wrong may have left later ones. */
export function readDays(db: Db, device: string, { today, limit }: { readonly today: string; readonly limit: number }): DayRow[] {
  const rows = db.build.selectFrom('usage_days').selectAll().where('device', '=', device).where('day', '<=', today)
  return db.all(rows.orderBy('day', 'desc').limit(limit)).map(toDay)
}

/** As {@link readDays}; `day` is the month. */
export function readMonths(db: Db, device: string, today: string): DayRow[] {
  const sums = columns.map(column => `sum(${column}) as ${column}`).join(', ')
  const rows = db.allSql<UsageDayTable>(
    `select substr(day, 1, 7) as day, ${sums} from usage_days where device = ? and day <= ? group by 1 order by 1 desc`,
    [device, today],
  )
  return rows.map(toDay)
}

/** By number and not by age: no clock that is wrong for a while makes them fewer. */
export function keepNewestDays(db: Db, device: string, count: number): void {
  const oldest = 'select day from usage_days where device = ? order by day desc limit 1 offset ?'
  db.runSql(`delete from usage_days where device = ? and day < (${oldest})`, [device, device, count - 1])
}

function spanOf(month: string): [from: string, to: string] {
  return [`${month}-01`, `${month}-31`]
}

export function deleteUsage(db: Db, device: string): void {
  db.runSql('delete from usage_days where device = ?', [device])
  db.runSql('delete from usage_counts where device = ?', [device])
}

function boundSql(sum: string): string {
  return `max(-${mostOfDay}, min(${mostOfDay}, ${sum}))`
}

function bound(bytes: number): number {
  return Math.max(-mostOfDay, Math.min(mostOfDay, bytes))
}

function toDay(row: UsageDayTable): DayRow {
  const flow = (purpose: Purpose): Flow => ({ sent: row[`${purpose}_sent`], received: row[`${purpose}_received`] })
  return { day: row.day, traffic: mapTraffic(flow) }
}
