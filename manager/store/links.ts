// How devices and groups are to use their links, as users set it.
import type { LinkSetting, LinkSettings } from '../core/links.js'
import { keyOf, type Target } from '../core/model.js'
import type { Db } from './db.js'

export function readLink(db: Db, { kind, name }: Target): LinkSetting | undefined {
  const row = db.firstSql<{ setting: string }>('select setting from links where kind = ? and name = ?', [kind, name])
  return row && (JSON.parse(row.setting) as LinkSetting)
}

export function readLinks(db: Db): LinkSettings {
  return settingsOf(db.all(db.build.selectFrom('links').select(['kind', 'name', 'setting'])))
}

/** Those of a device and its groups. */
export function readLinksFor(db: Db, device: string): LinkSettings {
  const groups = db.build.selectFrom('members').select('group_name').where('device', '=', device)
  const query = db.build
    .selectFrom('links')
    .select(['kind', 'name', 'setting'])
    .where(({ eb, and, or }) =>
      or([and([eb('kind', '=', 'device'), eb('name', '=', device)]), and([eb('kind', '=', 'group'), eb('name', 'in', groups)])]),
    )
  return settingsOf(db.all(query))
}

export function writeLink(db: Db, { kind, name }: Target, setting: LinkSetting, at: number): void {
  db.runSql(
    `insert into links (kind, name, setting, changed_at) values (?, ?, ?, ?)
     on conflict (kind, name) do update set setting = excluded.setting, changed_at = excluded.changed_at`,
    [kind, name, JSON.stringify(setting), at],
  )
}

export function deleteLink(db: Db, { kind, name }: Target): void {
  db.runSql('delete from links where kind = ? and name = ?', [kind, name])
}

function settingsOf(rows: readonly (Target & { readonly setting: string })[]): LinkSettings {
  return new Map(rows.map(row => [keyOf(row), JSON.parse(row.setting) as LinkSetting]))
}
