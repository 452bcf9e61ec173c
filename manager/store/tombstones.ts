// Devices that left the fleet and may not know it yet.
import type { ReleaseMode } from '../../protocol/messages/manifest.js'
import type { Db } from './db.js'

/** `key` is the one that the device was registered with, null if with none. */
export function insertTombstone(db: Db, device: string, mode: ReleaseMode, { at, key }: { at: number; key: string | null }): void {
  const values = { device, mode, confirmed: 0, released_at: at, key }
  db.run(
    db.build
      .insertInto('tombstones')
      .values(values)
      .onConflict(conflict => conflict.column('device').doUpdateSet(values)),
  )
}

/** Devices whose release is under way, with the keys that they had. */
export function readTombstones(db: Db): { device: string; key: string | null }[] {
  return db.all(db.build.selectFrom('tombstones').select(['device', 'key']))
}

/** The device has said that it is released. */
export function confirmTombstone(db: Db, device: string): void {
  db.run(db.build.updateTable('tombstones').set({ confirmed: 1 }).where('device', '=', device))
}

/** Released devices whose topics are still to be cleared. */
export function readConfirmed(db: Db): string[] {
  return db.all(db.build.selectFrom('tombstones').select('device').where('confirmed', '=', 1)).map(row => row.device)
}

/** Its topics are cleared: nothing is left of it. False if it has joined again meanwhile. */
export function finishRelease(db: Db, device: string): boolean {
  if (!deleteTombstone(db, device)) return false
  db.run(db.build.deleteFrom('targets').where('kind', '=', 'device').where('name', '=', device))
  return true
}

/** The device is of the fleet again. False if no release was under way. */
export function deleteTombstone(db: Db, device: string): boolean {
  return db.run(db.build.deleteFrom('tombstones').where('device', '=', device)) > 0
}
