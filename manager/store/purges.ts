// Apps that were deleted with their volumes or images: said to devices until the name is used again.
import type { Purge } from '../../protocol/messages/manifest.js'
import type { Target } from '../core/model.js'
import type { Db } from './db.js'

/** Most of a target; the oldest go first: by then their devices have done it, or are lost. */
const maxPurges = 100

export function insertPurge(db: Db, { kind, name: target }: Target, { name, volumes = false, images = false }: Purge): void {
  deletePurge(db, { kind, name: target }, name)
  const values = { kind, target, name, volumes: volumes ? 1 : 0, images: images ? 1 : 0 }
  db.run(db.build.insertInto('purges').values(values))
  const newest = of(db, { kind, name: target }).select('id').orderBy('id', 'desc').limit(maxPurges)
  db.run(db.build.deleteFrom('purges').where('kind', '=', kind).where('target', '=', target).where('id', 'not in', newest))
}

/** The name is used again. */
export function deletePurge(db: Db, { kind, name: target }: Target, name: string): void {
  db.run(db.build.deleteFrom('purges').where('kind', '=', kind).where('target', '=', target).where('name', '=', name))
}

/** The target is no more. */
export function deletePurgesOf(db: Db, { kind, name }: Target): void {
  db.run(db.build.deleteFrom('purges').where('kind', '=', kind).where('target', '=', name))
}

export function readPurges(db: Db, target: Target): Purge[] {
  const rows = db.all(of(db, target).select(['name', 'volumes', 'images']).orderBy('name'))
  return rows.map(({ name, volumes, images }) => ({
    name,
    ...(volumes === 1 ? { volumes: true } : {}),
    ...(images === 1 ? { images: true } : {}),
  }))
}

function of(db: Db, { kind, name }: Target) {
  return db.build.selectFrom('purges').where('kind', '=', kind).where('target', '=', name)
}
