// Devices at rest: read once at start, then written from memory: what users change durably, what devices say in batches.
import { reportedCodec } from '../../protocol/messages/reported.js'
import type { Facts } from '../../protocol/messages/status.js'
import { noSigns } from '../core/liveness.js'
import type { Device, Metrics } from '../core/model.js'
import type { Db } from './db.js'
import type { Tables } from './schema.js'
import { deleteUsage } from './usage.js'

/** All devices, as this process first knows them: nothing of them has been heard yet. */
export function readDevices(db: Db, awaitedSince: number): Device[] {
  const reports = new Map(db.all(db.build.selectFrom('reports').selectAll()).map(row => [row.device, row]))
  return db.all(db.build.selectFrom('devices').selectAll().orderBy('id')).map(row => toDevice(row, reports.get(row.id), awaitedSince))
}

export function insertDevice(db: Db, device: Device): void {
  const { id, name, description, labels, intervalS, epochFloor, registeredAt } = device
  db.run(
    db.build
      .insertInto('devices')
      .values({
        id,
        name,
        description,
        labels: JSON.stringify(labels),
        interval_s: intervalS,
        epoch_floor: epochFloor,
        registered_at: registeredAt,
        ...observed(device),
      })
      .onConflict(conflict => conflict.column('id').doNothing()),
  )
}

/** What a user may change of a device, and its epoch floor. */
export function updateDevice(db: Db, device: Pick<Device, 'id' | 'name' | 'description' | 'labels' | 'intervalS' | 'epochFloor'>): void {
  const { id, name, description, labels, intervalS, epochFloor } = device
  db.run(
    db.build
      .updateTable('devices')
      .set({ name, description, labels: JSON.stringify(labels), interval_s: intervalS, epoch_floor: epochFloor })
      .where('id', '=', id),
  )
}

export function deleteDevice(db: Db, id: string): void {
  db.run(db.build.deleteFrom('devices').where('id', '=', id))
  db.run(db.build.deleteFrom('reports').where('device', '=', id))
  db.run(db.build.deleteFrom('members').where('device', '=', id))
  deleteUsage(db, id)
}

/** What a device said, and what followed from it. */
export function saveObserved(db: Db, device: Device): void {
  const row = observed(device)
  db.runSql(saveSql, [...columns.map(column => row[column]), device.id])
}

export function saveReport(db: Db, device: Device): void {
  if (device.reported === null) return
  const payload = reportedCodec.encode(device.reported)
  db.runSql(saveReportSql, [device.id, payload, device.reportStamp])
}

const saveReportSql =
  'insert into reports (device, payload, stamp) values (?, ?, ?) on conflict (device) do update set payload = excluded.payload, stamp = excluded.stamp'

type DeviceRow = { [K in keyof Tables['devices']]: Tables['devices'][K] }

const columns = [
  'epoch',
  'sequence',
  'ended',
  'lost',
  'beat_s',
  'engine',
  'state',
  'reason',
  'since',
  'last_seen',
  'facts',
  'metrics',
  'held',
  'held_since',
] as const
/** In the place of the number of what was told last: it was told in an earlier epoch. */
const nothingTold = -2
const saveSql = `update devices set ${columns.map(column => `${column} = ?`).join(', ')} where id = ?`

function observed(device: Device): Pick<DeviceRow, (typeof columns)[number]> {
  const { signs, state, reason, since, lastSeen, facts, metrics, held, heldSince } = device
  return {
    epoch: signs.epoch,
    sequence: signs.told.epoch === signs.epoch ? signs.told.sequence : nothingTold,
    ended: signs.end,
    lost: signs.lost ? 1 : 0,
    beat_s: signs.intervalS,
    engine: signs.engine ? 1 : 0,
    state,
    reason,
    since,
    last_seen: lastSeen,
    facts: facts === null ? null : JSON.stringify(facts),
    metrics: metrics === null ? null : JSON.stringify(metrics),
    held,
    held_since: heldSince,
  }
}

function toDevice(row: DeviceRow, report: Tables['reports'] | undefined, awaitedSince: number): Device {
  const reported = report === undefined ? undefined : reportedCodec.decode(new Uint8Array(report.payload))
  return {
    id: row.id,
    registeredAt: row.registered_at,
    name: row.name,
    description: row.description,
    labels: JSON.parse(row.labels) as Record<string, string>,
    intervalS: row.interval_s,
    epochFloor: row.epoch_floor,
    signs: {
      ...noSigns(awaitedSince),
      epoch: row.epoch,
      end: row.ended as Device['signs']['end'],
      lost: row.lost === 1,
      intervalS: row.beat_s,
      engine: row.engine === 1,
      told: row.sequence === nothingTold ? { epoch: row.epoch - 1, sequence: 0 } : { epoch: row.epoch, sequence: row.sequence },
    },
    state: row.state as Device['state'],
    reason: row.reason as Device['reason'],
    since: row.since,
    lastSeen: row.last_seen,
    facts: row.facts === null ? null : (JSON.parse(row.facts) as Facts),
    metrics: row.metrics === null ? null : (JSON.parse(row.metrics) as Metrics),
    held: row.held,
    heldSince: row.held_since,
    reported: reported?.ok ? reported.value : null,
    reportStamp: report?.stamp ? new Uint8Array(report.stamp) : null,
    serviceStates: null,
  }
}
