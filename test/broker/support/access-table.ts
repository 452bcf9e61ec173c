// The table "Who may do what" of topics.md, and what it says of one principal, one action and one topic.
import { readFileSync } from 'node:fs'
import type { Principal } from '../../../broker/auth.js'
import type { Scope } from '../../../protocol/access.js'
import type { Action } from '../../../protocol/rights.js'

export interface AccessRow {
  /** Below the root, with `{id}` and the like where names stand; `/#` at its end stands for all below. */
  readonly topic: string
  readonly who: Readonly<Record<Action, ReadonlySet<string>>>
}

const words = new Set(['device', 'devices', 'member', 'lapsed', 'leaving', 'joiner', 'viewer', 'operator'])

export function readAccessTable(): AccessRow[] {
  const page = readFileSync('topics.md', 'utf8')
  const section = /^## Who may do what$([\s\S]*?)^## /m.exec(page)?.[1] ?? ''
  const rows = [...section.matchAll(/^\| `([^`]+)` +\|(.*)\|$/gm)]
  return rows.filter(([, topic]) => topic !== 'skerry/').map(([, topic = '', cells = '']) => ({ topic, who: readCells(topic, cells) }))
}

function readCells(topic: string, cells: string): AccessRow['who'] {
  const sets = cells.split('|').map(
    cell =>
      new Set(
        cell
          .split(',')
          .map(word => word.trim())
          .filter(word => word !== ''),
      ),
  )
  for (const set of sets) for (const word of set) if (!words.has(word)) throw new Error(`${topic}: nobody is called "${word}"`)
  const [publish, retain, will, subscribe] = sets
  if (sets.length !== 4 || !publish || !retain || !will || !subscribe) throw new Error(`${topic}: four columns are wanted`)
  return { publish, retain, will, subscribe }
}

/** Names in the places of a topic. A `+` or `#` is a filter's. */
export type Names = Readonly<Record<'id' | 'name' | 'key' | 'digest' | 'rid', string>>

export function topicOf({ topic }: AccessRow, names: Names): string {
  return `skerry/${topic.replace(/\{(\w+)\}/g, (_, place: keyof Names) => names[place]).replace(/\/#$/, '')}`
}

/** Whether the row lets the principal do it where the names stand. */
export function says(row: AccessRow, principal: Principal, action: Action, names: Names): boolean {
  const who = row.who[action]
  const has = (place: keyof Names) => row.topic.includes(`{${place}}`)
  const isOwn = (device: string) => !has('id') || names.id === device
  switch (principal.kind) {
    case 'device':
      if (has('name') || has('digest') || row.topic.startsWith('fleet/')) {
        return !names.digest.includes('+') && (who.has('devices') || (who.has('member') && principal.groups.has(names.name)))
      }
      return who.has('device') && names.id === principal.device
    case 'lapsed':
    case 'leaving':
      return who.has(principal.kind) && isOwn(principal.device)
    case 'joiner':
      return who.has('joiner') && names.key === principal.key
    case 'user': {
      const isEnough = who.has('viewer') || (who.has('operator') && principal.user.role !== 'viewer')
      return (
        isEnough &&
        (!has('id') || covers(principal.user.scope.devices, names.id)) &&
        (!has('name') || covers(principal.user.scope.groups, names.name))
      )
    }
    case 'manager':
    case 'operator':
      return true
  }
}

function covers(set: Scope['devices'], name: string): boolean {
  return set === 'all' || set.has(name)
}
