// Users at rest. A password is kept only as what it is checked against.
import type { Role } from '../../protocol/access.js'
import type { Db } from './db.js'
import type { Tables } from './schema.js'

/** Groups that a role is for; null: the whole fleet. */
export type Groups = readonly string[] | null

export interface UserRow {
  readonly name: string
  readonly role: Role
  readonly groups: Groups
  readonly password: string
  /** Whether the password is good for one log-in only, which replaces it. */
  readonly once: boolean
  readonly createdAt: number
  /** The last log-in, or the last use of a session, to about a minute. */
  readonly lastSeen: number | null
}

export function readUsers(db: Db): UserRow[] {
  return db.all(db.build.selectFrom('users').selectAll().orderBy('name')).map(toUser)
}

export function readUser(db: Db, name: string): UserRow | undefined {
  const row = db.first(db.build.selectFrom('users').selectAll().where('name', '=', name))
  return row && toUser(row)
}

export function insertUser(db: Db, { name, role, groups, password, once, createdAt }: Omit<UserRow, 'lastSeen'>): void {
  const values = { name, role, groups: formatGroups(groups), password, once: once ? 1 : 0, created_at: createdAt, last_seen: null }
  db.run(db.build.insertInto('users').values(values))
}

export function updateUser(db: Db, { name, role, groups, password, once }: Omit<UserRow, 'createdAt' | 'lastSeen'>): void {
  const values = { role, groups: formatGroups(groups), password, once: once ? 1 : 0 }
  db.run(db.build.updateTable('users').set(values).where('name', '=', name))
}

export function deleteUser(db: Db, name: string): void {
  db.run(db.build.deleteFrom('users').where('name', '=', name))
}

export function sawUser(db: Db, name: string, at: number): void {
  db.runSql('update users set last_seen = ? where name = ?', [at, name])
}

/** A group is gone: a later one of the same name is another one, and no scope may hold it already. */
export function forgetGroup(db: Db, group: string): void {
  for (const table of ['users', 'access_tokens'] as const) {
    const rows = db.all(db.build.selectFrom(table).select(['name', 'groups']).where('groups', 'is not', null))
    for (const { name, groups } of rows) {
      const left = parseGroups(groups)?.filter(each => each !== group) ?? null
      const text = formatGroups(left)
      if (text !== groups) db.run(db.build.updateTable(table).set({ groups: text }).where('name', '=', name))
    }
  }
}

export function formatGroups(groups: Groups): string | null {
  return groups === null ? null : JSON.stringify([...new Set(groups)].sort())
}

export function parseGroups(text: string | null): Groups {
  return text === null ? null : (JSON.parse(text) as string[])
}

function toUser({ created_at, last_seen, groups, once, ...row }: Tables['users']): UserRow {
  return { ...row, groups: parseGroups(groups), once: once === 1, createdAt: created_at, lastSeen: last_seen }
}
