// Groups and who is in them.
import type { Db } from './db.js'

export interface GroupRow {
  readonly name: string
  readonly createdAt: number
}

export function readGroups(db: Db): GroupRow[] {
  return db.all(db.build.selectFrom('groups').select(['name', 'created_at as createdAt']).orderBy('name'))
}

export function readGroup(db: Db, name: string): GroupRow | undefined {
  return db.first(db.build.selectFrom('groups').select(['name', 'created_at as createdAt']).where('name', '=', name))
}

export function insertGroup(db: Db, name: string, createdAt: number): void {
  db.run(db.build.insertInto('groups').values({ name, created_at: createdAt }))
}

export function deleteGroup(db: Db, name: string): void {
  db.run(db.build.deleteFrom('groups').where('name', '=', name))
  db.run(db.build.deleteFrom('members').where('group_name', '=', name))
}

/** Ids of a group's devices, sorted. */
export function readMembers(db: Db, group: string): string[] {
  return db.all(db.build.selectFrom('members').select('device').where('group_name', '=', group).orderBy('device')).map(row => row.device)
}

/** Names of a device's groups, sorted. */
export function readGroupsOf(db: Db, device: string): string[] {
  return db
    .all(db.build.selectFrom('members').select('group_name').where('device', '=', device).orderBy('group_name'))
    .map(row => row.group_name)
}

/** Every device's groups, sorted, for the devices that are in any. */
export function readMemberships(db: Db): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const { device, group_name } of db.all(db.build.selectFrom('members').selectAll().orderBy('group_name'))) {
    const known = groups.get(device)
    if (known === undefined) groups.set(device, [group_name])
    else known.push(group_name)
  }
  return groups
}

export function insertMember(db: Db, group: string, device: string): boolean {
  return db.runSql('insert into members (group_name, device) values (?, ?) on conflict do nothing', [group, device]) > 0
}

export function deleteMember(db: Db, group: string, device: string): boolean {
  return db.runSql('delete from members where group_name = ? and device = ?', [group, device]) > 0
}
