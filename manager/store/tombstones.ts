// Devices that left the fleet and may not know it yet.
import type { ReleaseMode } from '../../protocol/messages.js'
import type { Db } from './db.js'

export function insertTombstone(db: Db, device: string, mode: ReleaseMode, at: number): void {
  const values = { device, mode, confirmed: 0, released_at: at }
  db.run(
    db.build
      .insertInto('tombstones')
      .values(values)
      .onConflict(conflict => conflict.column('device').doUpdateSet(values)),
  )
}

/** Devices whose release is under way. */
export function readTombstones(db: Db): string[] {
  return db.all(db.build.selectFrom('tombstones').select('device')).map(row => row.device)
}

/** The device has said that it is released. */
export function confirmTombstone(db: Db, device: string): void {
  db.run(db.build.updateTable('tombstones').set({ confirmed: 1 }).where('device', '=', device))
}

/** Released devices whose topics are still to be cleared. */
export function readConfirmed(db: Db): string[] {
  return db.all(db.build.selectFrom('tombstones').select('device').where('confirmed', '=', 1)).map(row => row.device)
}

export function deleteTombstone(db: Db, device: string): void {
  db.run(db.build.deleteFrom('tombstones').where('device', '=', device))
  db.run(db.build.deleteFrom('targets').where('kind', '=', 'device').where('name', '=', device))
}
